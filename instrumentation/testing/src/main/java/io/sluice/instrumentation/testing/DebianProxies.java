package io.sluice.instrumentation.testing;

import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Starts the proxies of Debian's packages squid and tinyproxy, where they are installed, as programs of the calling user
 * with a configuration of their own. They pass plain requests and tunnels to any port of the loopback interface.
 *
 * <p>Squid answers CONNECT with {@code HTTP/1.1}, tinyproxy with {@code HTTP/1.0}. All methods may be called by any
 * thread.
 */
public final class DebianProxies {
    private static final String SQUID = "/usr/sbin/squid";
    private static final String TINYPROXY = "/usr/bin/tinyproxy";
    private static final long START_NANOS = TimeUnit.SECONDS.toNanos(20);

    private DebianProxies() {}

    /**
     * Starts squid and blocks until it accepts connections; empty if it is not installed.
     *
     * @throws IllegalStateException if it is installed and does not start within 20 seconds
     */
    public static Optional<Running> squid() {
        return start(
                SQUID,
                "-N -d 1 -f",
                port -> Arrays.asList(
                        "http_port 127.0.0.1:" + port,
                        "http_access allow localhost to_localhost",
                        "http_access deny all",
                        "cache deny all",
                        "cache_mem 8 MB",
                        "cache_log /dev/null",
                        "access_log none",
                        "pid_filename none",
                        "netdb_filename none",
                        "coredump_dir none",
                        "pinger_enable off",
                        "visible_hostname localhost",
                        "max_filedescriptors 4096",
                        "shutdown_lifetime 0 seconds",
                        // Started by root, squid wants to be another user; started by another, it stays that one.
                        isRoot() ? "cache_effective_user proxy" : ""));
    }

    /**
     * Starts tinyproxy and blocks until it accepts connections; empty if it is not installed.
     *
     * @throws IllegalStateException if it is installed and does not start within 20 seconds
     */
    public static Optional<Running> tinyproxy() {
        return start(
                TINYPROXY,
                "-d -c",
                port -> Arrays.asList(
                        "Listen 127.0.0.1",
                        "Port " + port,
                        "Allow 127.0.0.1",
                        "Timeout 600",
                        "MaxClients 200",
                        "LogLevel Warning"));
    }

    private static Optional<Running> start(String program, String options, Configuration configuration) {
        if (!new File(program).canExecute()) {
            return Optional.empty();
        }
        try {
            return Optional.of(launch(program, options, configuration));
        } catch (IOException e) {
            throw new IllegalStateException("cannot start " + program, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + program + " starts", e);
        }
    }

    private static Running launch(String program, String options, Configuration configuration)
            throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("proxy");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        int port = freePort();
        Path file = directory.resolve("proxy.conf");
        Files.write(file, configuration.lines(port), StandardCharsets.US_ASCII);
        Path log = directory.resolve("output.log");
        Process process = new ProcessBuilder((program + " " + options + " " + file).split(" ", -1))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        Running running = new Running(process, port, directory);
        long deadline = System.nanoTime() + START_NANOS;
        while (!accepts(port)) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                String output = new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
                running.close();
                throw new IllegalStateException(program + " did not start: " + output);
            }
            Thread.sleep(20);
        }
        return running;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, Listener.loopback(false))) {
            return socket.getLocalPort();
        }
    }

    private static boolean accepts(int port) {
        try (Socket socket = new Socket(Listener.loopback(false), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    private interface Configuration {
        List<String> lines(int port);
    }

    /** A proxy that runs. It is stopped by {@link #close()}, or with the JVM. */
    public static final class Running implements AutoCloseable {
        private final Process process;
        private final int port;
        private final Path directory;
        private final Thread hook;

        private Running(Process process, int port, Path directory) {
            this.process = process;
            this.port = port;
            this.directory = directory;
            hook = new Thread(this::stop, "stop-proxy-" + port);
            Runtime.getRuntime().addShutdownHook(hook);
        }

        /** The address that clients use: {@code 127.0.0.1}. */
        public String host() {
            return "127.0.0.1";
        }

        /** The port; also that for {@link KernelMeter#start}. */
        public int port() {
            return port;
        }

        /** The proxy as the JDK's clients want it. */
        public Proxy javaProxy() {
            return new Proxy(Proxy.Type.HTTP, new InetSocketAddress(host(), port));
        }

        /** Stops the program, blocking until it has ended, and removes its files. */
        @Override
        public void close() {
            Runtime.getRuntime().removeShutdownHook(hook);
            stop();
        }

        private void stop() {
            process.destroy();
            try {
                if (!process.waitFor(5, TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor(5, TimeUnit.SECONDS);
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
            File[] files = directory.toFile().listFiles();
            if (files != null) {
                for (File file : files) {
                    file.delete();
                }
            }
            directory.toFile().delete();
        }
    }
}
