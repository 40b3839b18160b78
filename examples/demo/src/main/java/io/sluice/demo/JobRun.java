package io.sluice.demo;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One run of the report job in a JVM of its own: its exit code, and the figures that it printed. */
record JobRun(int exitCode, int invoices, int errors, String total, long millis, String stderr) {
    private static final int TIMEOUT_SECONDS = 60;
    private static final Pattern RESULT =
            Pattern.compile("invoices (\\d+), errors (\\d+), total ([\\d.]+), (\\d+) ms\\R");
    /** What would change a JVM or the agent behind the demo's back. */
    private static final Pattern FOREIGN =
            Pattern.compile("(?i)SLUICE_.*|OTEL_.*|CLASSPATH|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|JAVA_TOOL_OPTIONS");

    /**
     * Runs the job on the JDK that runs the demo, and blocks until it has ended.
     *
     * @param jvmOptions before {@code -jar}
     * @param environment in addition to the demo's own, without settings of Sluice, OpenTelemetry or the JVM
     * @throws IOException if the job did not end within a minute, or printed anything else than its result
     */
    static JobRun start(File jar, List<String> jvmOptions, Map<String, String> environment, String server, int invoices)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvmOptions);
        command.addAll(List.of("-jar", jar.getPath(), server, Integer.toString(invoices)));
        Path folder = Files.createTempDirectory("sluice-demo");
        Path stdout = folder.resolve("stdout");
        Path stderr = folder.resolve("stderr");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectOutput(stdout.toFile()).redirectError(stderr.toFile());
            builder.environment().keySet().removeIf(key -> FOREIGN.matcher(key).matches());
            builder.environment().putAll(environment);
            int exitCode = await(builder.start());
            return parse(exitCode, Files.readString(stdout), Files.readString(stderr));
        } finally {
            Files.deleteIfExists(stdout);
            Files.deleteIfExists(stderr);
            Files.delete(folder);
        }
    }

    private static int await(Process process) throws IOException, InterruptedException {
        try {
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("the report job did not end within " + TIMEOUT_SECONDS + " s");
            }
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }

    private static JobRun parse(int exitCode, String stdout, String stderr) throws IOException {
        Matcher result = RESULT.matcher(stdout);
        if (!result.matches()) {
            throw new IOException(
                    "the report job ended with exit code " + exitCode + " and printed\n" + stdout + stderr);
        }
        return new JobRun(
                exitCode,
                Integer.parseInt(result.group(1)),
                Integer.parseInt(result.group(2)),
                result.group(3),
                Long.parseLong(result.group(4)),
                stderr);
    }
}
