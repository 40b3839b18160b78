package io.sluice.agent;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A JVM of its own for a program, with or without the agent.
 *
 * <pre>{@code
 * ChildJvm.Result result = ChildJvm.program(HelloWorld.class).on(jdk).agent("maxConnectionsPerServer=1").run();
 * assertThat(result.stderr()).isEmpty();
 * }</pre>
 *
 * <p>The child sees the test's environment without what would change a JVM or the agent ({@code JAVA_TOOL_OPTIONS},
 * {@code SLUICE_*}, {@code OTEL_*} and the like), and only this module's test classes on its class path. Not safe for
 * use by several threads.
 */
public final class ChildJvm {

    private static final long DEFAULT_TIMEOUT_SECONDS = 60;

    private final String mainClass;
    private final List<String> jvmOptions = new ArrayList<>();
    private final List<File> classPath = new ArrayList<>();
    private final List<String> arguments = new ArrayList<>();
    private final Map<String, String> environment = new TreeMap<>();
    private File javaHome = new File(System.getProperty("java.home"));
    private long timeoutSeconds = DEFAULT_TIMEOUT_SECONDS;

    private ChildJvm(String mainClass) {
        this.mainClass = mainClass;
        classPath.add(testClasses());
    }

    /** A program by its main class, which is loaded in the child only. */
    public static ChildJvm program(Class<?> mainClass) {
        return program(mainClass.getName());
    }

    /** A program by the name of its main class, for those of {@code src/test/java11}; an empty name starts none. */
    public static ChildJvm program(String mainClass) {
        return new ChildJvm(mainClass);
    }

    /** The jar that the build has made. */
    public static File agentJar() {
        return new File(System.getProperty("it.agentJar", new File(testClasses(), "../sluice-agent.jar").getPath()));
    }

    /** The folder of the classes compiled from {@code src/test/java11}. */
    public static File java11Classes() {
        return new File(
                System.getProperty("it.java11Classes", new File(testClasses(), "../test-classes-11").getPath()));
    }

    private static File testClasses() {
        try {
            return new File(ChildJvm.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    public ChildJvm on(Jdk jdk) {
        return java(jdk.home());
    }

    /** The JVM to start: {@code bin/java} in this folder. */
    public ChildJvm java(File home) {
        javaHome = home;
        return this;
    }

    /** The built jar as {@code -javaagent}; arguments may be empty. */
    public ChildJvm agent(String agentArguments) {
        return agent(agentJar(), agentArguments);
    }

    /** Any jar as {@code -javaagent}, in the order of the calls. */
    public ChildJvm agent(File jar, String agentArguments) {
        return jvmOptions("-javaagent:" + jar + (agentArguments.isEmpty() ? "" : "=" + agentArguments));
    }

    public ChildJvm jvmOptions(String... options) {
        jvmOptions.addAll(Arrays.asList(options));
        return this;
    }

    public ChildJvm systemProperty(String key, Object value) {
        return jvmOptions("-D" + key + "=" + value);
    }

    public ChildJvm environment(String key, String value) {
        environment.put(key, value);
        return this;
    }

    /** Adds to the class path, behind this module's test classes. */
    public ChildJvm classPath(File... entries) {
        classPath.addAll(Arrays.asList(entries));
        return this;
    }

    /** The program's arguments. */
    public ChildJvm arguments(Object... values) {
        for (Object value : values) {
            arguments.add(String.valueOf(value));
        }
        return this;
    }

    /** After this time the child is killed and {@link Running#await()} fails. */
    public ChildJvm timeoutSeconds(long seconds) {
        timeoutSeconds = seconds;
        return this;
    }

    /** Starts the program and waits for its end. */
    public Result run() {
        try (Running running = start()) {
            return running.await();
        }
    }

    /** Starts the program; the caller closes what is returned, which kills the child if it still runs. */
    public Running start() {
        List<String> command = new ArrayList<>();
        command.add(new File(javaHome, "bin/java").getPath());
        command.addAll(jvmOptions);
        if (!mainClass.isEmpty()) {
            StringBuilder path = new StringBuilder();
            for (File entry : classPath) {
                path.append(path.length() == 0 ? "" : File.pathSeparator).append(entry);
            }
            command.addAll(Arrays.asList("-cp", path.toString(), mainClass));
        }
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment()
                .keySet()
                .removeIf(key -> key.startsWith("SLUICE_")
                        || key.startsWith("OTEL_")
                        || key.equals("CLASSPATH")
                        || key.matches("(?i)_?(JAVA|JDK_JAVA|JAVA_TOOL)_OPTIONS|(http|https|all|no)_proxy"));
        builder.environment().putAll(environment);
        try {
            return new Running(builder.start(), command, timeoutSeconds);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A child that has been started. */
    public static final class Running implements AutoCloseable {
        private final Process process;
        private final List<String> command;
        private final long deadlineNanos;
        private final Output stdout;
        private final Output stderr;

        private Running(Process process, List<String> command, long timeoutSeconds) {
            this.process = process;
            this.command = command;
            deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeoutSeconds);
            stdout = new Output(process.getInputStream());
            stderr = new Output(process.getErrorStream());
        }

        /** The child's standard input. */
        public OutputStream stdin() {
            return process.getOutputStream();
        }

        /** Waits until standard output contains the text; fails if the child ends or times out before. */
        public Running awaitOutput(String text) {
            awaitMatch(Pattern.compile(Pattern.quote(text)));
            return this;
        }

        /** The same for standard error. */
        public Running awaitError(String text) {
            if (stderr.awaitMatch(Pattern.compile(Pattern.quote(text)), deadlineNanos) == null) {
                process.destroyForcibly();
                throw new AssertionError("never printed \"" + text + "\" as an error: " + describe());
            }
            return this;
        }

        /** Waits until standard output has something that matches, and returns the first such match. */
        public Matcher awaitMatch(Pattern pattern) {
            Matcher match = stdout.awaitMatch(pattern, deadlineNanos);
            if (match == null) {
                process.destroyForcibly();
                throw new AssertionError("never printed \"" + pattern + "\": " + describe());
            }
            return match;
        }

        /** What standard output was so far. */
        public String stdout() {
            return stdout.text();
        }

        /** What standard error was so far. */
        public String stderr() {
            return stderr.text();
        }

        /** Waits for the end of the program and of its output; fails, and kills the child, when the time is over. */
        public Result await() {
            try {
                if (!process.waitFor(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS)
                        || !stdout.awaitEnd(deadlineNanos)
                        || !stderr.awaitEnd(deadlineNanos)) {
                    process.destroyForcibly();
                    throw new AssertionError("did not end in time: " + describe());
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted while waiting for " + describe(), e);
            }
            return new Result(command, process.exitValue(), stdout.text(), stderr.text());
        }

        private String describe() {
            return ChildJvm.describe(command, "running or killed", stdout.text(), stderr.text());
        }

        /** Kills the child if it still runs, and nobody else. */
        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    /** How a child ended and what it printed. */
    public static final class Result {
        private final List<String> command;
        private final int exitCode;
        private final String stdout;
        private final String stderr;

        private Result(List<String> command, int exitCode, String stdout, String stderr) {
            this.command = command;
            this.exitCode = exitCode;
            this.stdout = stdout;
            this.stderr = stderr;
        }

        public int exitCode() {
            return exitCode;
        }

        /** All of standard output; line ends as the child wrote them. */
        public String stdout() {
            return stdout;
        }

        /** All of standard error. */
        public String stderr() {
            return stderr;
        }

        @Override
        public String toString() {
            return describe(command, "exit code " + exitCode, stdout, stderr);
        }
    }

    private static String describe(List<String> command, String state, String stdout, String stderr) {
        return String.join(" ", command) + "\n" + state + "\n--- stdout\n" + stdout + "\n--- stderr\n" + stderr;
    }

    /** Collects one of a child's output streams on a daemon thread. */
    private static final class Output {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private boolean ended;

        Output(InputStream in) {
            Thread reader = new Thread(() -> readAll(in), "output of a child JVM");
            reader.setDaemon(true);
            reader.start();
        }

        private void readAll(InputStream in) {
            byte[] buffer = new byte[8192];
            try {
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                    synchronized (this) {
                        bytes.write(buffer, 0, count);
                        notifyAll();
                    }
                }
            } catch (IOException killed) {
                // The stream of a killed process may break instead of ending.
            } finally {
                synchronized (this) {
                    ended = true;
                    notifyAll();
                }
            }
        }

        synchronized String text() {
            return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
        }

        /** The first match in what was read; null if there is none when the output ends or the time is over. */
        synchronized @Nullable Matcher awaitMatch(Pattern pattern, long deadlineNanos) {
            Matcher match = pattern.matcher(text());
            while (!match.find()) {
                if (ended || !await(deadlineNanos)) {
                    return null;
                }
                match = pattern.matcher(text());
            }
            return match;
        }

        synchronized boolean awaitEnd(long deadlineNanos) {
            while (!ended) {
                if (!await(deadlineNanos)) {
                    return false;
                }
            }
            return true;
        }

        /** Waits for news; false when the time is over or the thread was interrupted. */
        private boolean await(long deadlineNanos) {
            long leftNanos = deadlineNanos - System.nanoTime();
            if (leftNanos <= 0) {
                return false;
            }
            try {
                TimeUnit.NANOSECONDS.timedWait(this, leftNanos);
                return true;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }
}
