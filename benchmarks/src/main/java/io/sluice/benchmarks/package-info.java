/**
 * What Sluice costs. Times of a busy machine mean nothing by themselves, so everything here is a ratio of two things that
 * were measured in turn, in the same run.
 *
 * <pre>
 * Benchmarks          the program: runs the three parts and prints one table of ratios
 *   LimiterRun        LimiterBenchmark: a lease beside a permit of a fair Semaphore
 *   ExchangeRun       ExchangeBenchmark: a keep-alive exchange of each Client with the agent beside without,
 *                     to an AnswerServer in a JVM of its own
 *   StartUpRun        HelloWorld with Sluice beside NoOpAgent beside no agent
 * Ratios, Table       the figures of some rounds, and how they are shown
 * </pre>
 *
 * <p>Loaded by: the application class loader, of JVMs with and without the agent; may use: anything.
 */
@NullMarked
package io.sluice.benchmarks;

import org.jspecify.annotations.NullMarked;
