package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.agent.child.HttpCommands;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The program {@link HttpCommands} in a JVM of its own, which does HTTP as the test says. Closing it kills it. For one
 * thread.
 */
final class HttpProgram implements AutoCloseable {

    private static final List<String> BLOCKING_CLIENTS =
            Arrays.asList("urlconnection", "apache3", "apache4", "apache4Old", "apache5", "okhttp");
    /** OkHttp's {@code enqueue} is not among them: it waits on threads of its own that do nothing else. */
    private static final List<String> ASYNCHRONOUS_CLIENTS =
            Arrays.asList("apache4Async", "apache5Async", "jetty", "asyncHttpClient", "vertx", "reactorNetty");

    private static final List<String> REPRESENTATIVES = Arrays.asList(
            "urlconnection", "java", "javaAsync", "apache4", "apache5", "okhttp", "apache5Async", "vertx");

    private static final long END_NANOS = TimeUnit.SECONDS.toNanos(25);

    /** A class of each jar that the clients need. */
    private static final List<String> LIBRARIES = Arrays.asList(
            "org.apache.http.impl.client.HttpClients",
            "org.apache.http.HttpHost",
            "org.apache.commons.logging.LogFactory",
            "org.apache.commons.codec.binary.Base64",
            "org.apache.hc.client5.http.impl.classic.HttpClients",
            "org.apache.hc.core5.http.HttpHost",
            "org.apache.hc.core5.http2.HttpVersionPolicy",
            "org.slf4j.Logger",
            "io.sluice.instrumentation.testing.ParkedThreads",
            "org.slf4j.impl.StaticLoggerBinder",
            "org.apache.commons.httpclient.HttpClient",
            "org.apache.http.nio.client.HttpAsyncClient",
            "org.apache.http.nio.NHttpConnection",
            "okhttp3.OkHttpClient",
            "okio.Okio",
            "kotlin.Unit",
            "org.eclipse.jetty.client.HttpClient",
            "org.eclipse.jetty.http.HttpField",
            "org.eclipse.jetty.io.EndPoint",
            "org.eclipse.jetty.util.Callback",
            "org.asynchttpclient.AsyncHttpClient",
            "org.asynchttpclient.netty.util.ByteBufUtils",
            "com.typesafe.netty.HandlerPublisher",
            "org.reactivestreams.Publisher",
            "io.vertx.core.Vertx",
            "com.fasterxml.jackson.core.JsonFactory",
            "reactor.netty.http.client.HttpClient",
            "reactor.netty.Connection",
            "reactor.core.publisher.Mono",
            "io.netty.util.AttributeKey",
            "io.netty.buffer.ByteBuf",
            "io.netty.channel.Channel",
            "io.netty.channel.unix.Socket",
            "io.netty.handler.ssl.SslContext",
            "io.netty.handler.codec.ByteToMessageDecoder",
            "io.netty.handler.codec.http.HttpRequest",
            "io.netty.handler.codec.http2.Http2Headers",
            "io.netty.handler.codec.socksx.SocksMessage",
            "io.netty.handler.codec.dns.DnsRecord",
            "io.netty.handler.proxy.ProxyHandler",
            "io.netty.resolver.NameResolver",
            "io.netty.resolver.dns.DnsNameResolver");

    /** A class of each jar that the program's own OpenTelemetry needs. */
    private static final List<String> OPEN_TELEMETRY = Arrays.asList(
            "io.opentelemetry.api.OpenTelemetry",
            "io.opentelemetry.context.Context",
            "io.opentelemetry.common.ComponentLoader",
            "io.opentelemetry.sdk.OpenTelemetrySdk",
            "io.opentelemetry.sdk.common.CompletableResultCode",
            "io.opentelemetry.sdk.trace.SdkTracerProvider",
            "io.opentelemetry.sdk.metrics.SdkMeterProvider",
            "io.opentelemetry.sdk.logs.SdkLoggerProvider");

    private final ChildJvm.Running running;
    private int exchanges;
    private int settled;

    private HttpProgram(ChildJvm.Running running) {
        this.running = running;
    }

    /** All clients that this JDK can run, as {@link io.sluice.agent.child.ClientSpec} calls them. */
    static List<String> clients(Jdk jdk) {
        List<String> clients = new ArrayList<>(BLOCKING_CLIENTS);
        if (jdk.feature() >= 11) {
            clients.add("java");
        }
        clients.add("okhttpAsync");
        clients.addAll(asynchronousClients(jdk));
        return clients;
    }

    /**
     * All of them on the JDK that builds; on the others some of each kind, for tests of what depends on the client more
     * than on the JDK.
     */
    static List<String> representatives(Jdk jdk) {
        List<String> clients = clients(jdk);
        if (jdk != Jdk.main()) {
            clients.retainAll(REPRESENTATIVES);
        }
        return clients;
    }

    /**
     * Those of them that send a request again by themselves if the connection was closed before it arrived, and again if
     * the next one was closed as well: Apache 5, which sends it twice at the most, is none of them.
     */
    static List<String> persistentClients(Jdk jdk) {
        List<String> clients = clients(jdk);
        clients.removeAll(asynchronousClients(jdk));
        clients.remove("apache5");
        return clients;
    }

    /** Those of them that ask without blocking anybody. */
    static List<String> asynchronousClients(Jdk jdk) {
        List<String> clients = new ArrayList<>(ASYNCHRONOUS_CLIENTS);
        if (jdk.feature() >= 11) {
            clients.add("javaAsync");
        }
        return clients;
    }

    /** A JVM with all the clients, to be completed and {@linkplain #start started}. */
    static ChildJvm jvm(Jdk jdk) {
        ChildJvm jvm = ChildJvm.program(HttpCommands.class)
                .on(jdk)
                .timeoutSeconds(40)
                .jvmOptions("-Xmx256m")
                .systemProperty("org.apache.commons.logging.Log", "org.apache.commons.logging.impl.NoOpLog");
        for (String library : LIBRARIES) {
            jvm.classPath(jarOf(library));
        }
        if (jdk.feature() >= 24) {
            jvm.jvmOptions("--sun-misc-unsafe-memory-access=allow"); // which Netty uses, and these JDKs warn of
        }
        return jdk.feature() >= 11 ? jvm.classPath(ChildJvm.java11Classes()) : jvm;
    }

    /** The same with an OpenTelemetry of its own, for the client {@code traced:client=...}. */
    static ChildJvm tracedJvm(Jdk jdk) {
        ChildJvm jvm = jvm(jdk);
        for (String library : OPEN_TELEMETRY) {
            jvm.classPath(jarOf(library));
        }
        return jvm;
    }

    private static File jarOf(String className) {
        try {
            return new File(Class.forName(className, false, HttpProgram.class.getClassLoader())
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (Exception e) {
            throw new IllegalStateException("not on the test's class path: " + className, e);
        }
    }

    /** The program with the agent, ready for commands. */
    static HttpProgram start(Jdk jdk, String agentArguments) {
        return start(jvm(jdk).agent(agentArguments));
    }

    /** The program, ready for commands. */
    static HttpProgram start(ChildJvm jvm) {
        HttpProgram program = new HttpProgram(jvm.start());
        program.running.awaitOutput("[ready]");
        return program;
    }

    private void command(Object... words) {
        StringBuilder line = new StringBuilder();
        for (Object word : words) {
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        try {
            running.stdin().write(line.append('\n').toString().getBytes(StandardCharsets.UTF_8));
            running.stdin().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts an exchange; its number is for {@link #await(int)}. */
    int get(String client, String url) {
        command("get", ++exchanges, client, url);
        return exchanges;
    }

    /** Begins many exchanges with an asynchronous client on one thread of the program; returns when all are begun. */
    void burst(int id, String client, int count, String url) {
        command("burst", id, client, count, url);
        running.awaitOutput("[burst " + id + "] begun");
    }

    /** Waits for the end of a burst, and returns how many of its exchanges were answered well. */
    int awaitBurst(int id) {
        return Integer.parseInt(running.awaitMatch(Pattern.compile("\\[burst " + id + "] answered (\\d+)\n"))
                .group(1));
    }

    /** Which threads of the program wait in the agent now, with their stacks. */
    String parked() {
        command("parked", ++settled);
        return running.awaitMatch(Pattern.compile("\\[parked " + settled + "] (.*) end\n"))
                .group(1);
    }

    /** Starts an exchange on a daemon thread. */
    int daemonGet(String client, String url) {
        command("daemon", ++exchanges, client, url);
        return exchanges;
    }

    /** Waits for the end of an exchange. */
    Ended await(int exchange) {
        return new Ended(
                running.awaitMatch(Pattern.compile("\\[" + exchange + "] ended (\\S+) after (\\d+) ms: (.*)\n")));
    }

    /** Does one exchange with each client, so that all their classes are loaded. */
    void warmUp(List<String> clients, String url) {
        for (String client : clients) {
            assertThat(await(get(client, url)).what()).isEqualTo("200");
        }
    }

    /** Waits until every exchange under way waits: within the program, or for the server. */
    void awaitSettled() {
        command("settle", ++settled);
        running.awaitOutput("[settled " + settled + "]");
    }

    /** Waits until so many exchanges wait for a lease, by the agent's own count. */
    void awaitWaiting(int count) {
        command("waiting", ++settled, count);
        running.awaitOutput("[waiting " + settled + "]");
    }

    /** Waits until no exchange has a lease or waits for one, by the agent's own count. */
    void awaitQuiet() {
        command("quiet", ++settled);
        running.awaitOutput("[quiet " + settled + "]");
    }

    /** Starts many threads for each client; the server must answer with {@link Answers#SAY}. */
    void load(List<String> clients, int threadsEach, int rounds, String url) {
        command("load", String.join(",", clients), threadsEach, rounds, url);
    }

    /** Waits for the end of the one {@link #load}, of which no exchange may have failed. */
    LoadReport awaitLoad() {
        return awaitLoads(1);
    }

    /** Waits for the end of so many of them, all since the start. */
    LoadReport awaitLoads(int count) {
        StringBuilder ends = new StringBuilder();
        for (int i = 0; i < count; i++) {
            ends.append("\\[load ended]\n[^$]*");
        }
        running.awaitMatch(Pattern.compile(ends.toString()));
        return new LoadReport(running.stdout());
    }

    /** The program itself calls {@link System#setProperty}. */
    void set(String key, Object value) {
        command("set", key, value);
        running.awaitMatch(Pattern.compile("\\[set " + key + "=" + value + "]"));
    }

    /**
     * Lets {@code main} return and waits for the end of the JVM. Checks that nothing keeps it from ending, and that nobody
     * but the program has printed anything.
     */
    void end() {
        long start = System.nanoTime();
        try {
            running.stdin().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ChildJvm.Result result = running.await();
        assertThat(System.nanoTime() - start).as("%s", result).isLessThan(END_NANOS);
        assertThat(result.exitCode()).as("%s", result).isZero();
        assertThat(result.stderr()).as("%s", result).isEmpty();
        assertThat(result.stdout().split("\n")).as("%s", result).allMatch(line -> line.startsWith("["));
    }

    /** Waits until standard output has something that matches, and returns the first such match. */
    Matcher awaitOutput(Pattern pattern) {
        return running.awaitMatch(pattern);
    }

    /** What standard output was so far. */
    String stdout() {
        return running.stdout();
    }

    /** Waits until standard error contains the text. */
    void awaitStderr(String text) {
        running.awaitError(text);
    }

    /** What standard error was so far. */
    String stderr() {
        return running.stderr();
    }

    @Override
    public void close() {
        running.close();
    }

    /** How an exchange ended. */
    static final class Ended {
        private final Matcher line;

        private Ended(Matcher line) {
            this.line = line;
        }

        /** The status, or the name of the exception's class. */
        String what() {
            return line.group(1);
        }

        /** How long it took. */
        long millis() {
            return Long.parseLong(line.group(2));
        }

        /** The body, or the exception's message. */
        String more() {
            return line.group(3);
        }

        @Override
        public String toString() {
            return line.group();
        }
    }
}
