package io.sluice.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** An {@link AnswerServer} in a JVM of its own, which ends with this one at the latest. */
final class ServerProcess implements AutoCloseable {
    private final Process process;
    private final int port;

    /** Blocks until it listens. */
    ServerProcess() throws IOException {
        process = new ProcessBuilder(
                        java(),
                        "-Xmx64m",
                        "-classpath",
                        System.getProperty("java.class.path"),
                        AnswerServer.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))
                .readLine();
        if (line == null) {
            throw new IOException("the server's JVM ended before it listened");
        }
        port = Integer.parseInt(line);
    }

    /** The launcher of the JDK that runs this. */
    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    int port() {
        return port;
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            if (process.waitFor(5, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
    }
}
