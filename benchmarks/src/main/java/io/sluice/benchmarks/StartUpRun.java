package io.sluice.benchmarks;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Starts {@link HelloWorld} over and over without an agent, with {@link NoOpAgent} and with Sluice in turn, and compares
 * the processor time (user and system) of the whole JVM. Needs bash, whose {@code time} tells it to the millisecond: the
 * JDK knows the time of a child only while it runs.
 */
final class StartUpRun {
    private enum Variant {
        HELLO,
        HELLO_NO_OP_AGENT,
        HELLO_SLUICE,
        FETCH,
        FETCH_NO_OP_AGENT,
        FETCH_SLUICE
    }

    private static final Pattern USER_AND_SYSTEM_SECONDS = Pattern.compile("(\\d+\\.\\d+) (\\d+\\.\\d+)");
    private static final String TIMED = "TIMEFORMAT='%3U %3S'; time \"$0\" \"$@\" >/dev/null";

    private final Effort effort;
    private final File agentJar;
    private final Map<Variant, List<Double>> millis = new EnumMap<>(Variant.class);

    StartUpRun(Effort effort, File agentJar) {
        this.effort = effort;
        this.agentJar = agentJar;
    }

    /** Blocks until all JVMs have ended. */
    void run(Table table) throws IOException, InterruptedException {
        table.part("start-up, processor time", "no-op agent / none", "Sluice / none", "Sluice / no-op agent");
        Path jar = Files.createTempFile("hello", ".jar");
        try (ServerProcess server = new ServerProcess()) {
            writeJar(jar);
            if (!hasBash()) {
                table.row("not measured: there is no bash", "", "", "");
                return;
            }
            for (int round = 0; round < effort.rounds(); round++) {
                effort.progress("start-up", round);
                for (int start = 0; start < effort.startsPerRound(); start++) {
                    for (Variant variant : Variant.values()) {
                        double cpuMillis = start(variant, jar, server.port());
                        millis.computeIfAbsent(variant, any -> new ArrayList<>())
                                .add(cpuMillis);
                    }
                }
            }
        } finally {
            Files.deleteIfExists(jar);
        }
        row(table, "hello, world", Variant.HELLO, Variant.HELLO_NO_OP_AGENT, Variant.HELLO_SLUICE);
        row(table, "one request", Variant.FETCH, Variant.FETCH_NO_OP_AGENT, Variant.FETCH_SLUICE);
    }

    private void row(Table table, String label, Variant none, Variant noOp, Variant sluice) {
        table.row(label, ratio(noOp, none), ratio(sluice, none), ratio(sluice, noOp));
    }

    /** Of the starts made one after the other, so that both met the same machine. */
    private Ratios ratio(Variant of, Variant to) {
        List<Double> above = millis.getOrDefault(of, List.of());
        List<Double> below = millis.getOrDefault(to, List.of());
        Ratios ratios = new Ratios();
        for (int i = 0; i < above.size(); i++) {
            ratios.add(above.get(i) / below.get(i));
        }
        return ratios;
    }

    private double start(Variant variant, Path jar, int port) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("bash", "-c", TIMED, ServerProcess.java()));
        switch (variant) {
            case HELLO_NO_OP_AGENT, FETCH_NO_OP_AGENT -> command.add("-javaagent:" + jar);
            case HELLO_SLUICE, FETCH_SLUICE -> command.add("-javaagent:" + agentJar);
            case HELLO, FETCH -> {}
        }
        command.addAll(List.of("-classpath", jar.toString(), HelloWorld.class.getName()));
        switch (variant) {
            case FETCH, FETCH_NO_OP_AGENT, FETCH_SLUICE -> command.add("http://127.0.0.1:" + port + "/");
            case HELLO, HELLO_NO_OP_AGENT, HELLO_SLUICE -> {}
        }
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C"); // a decimal point
        Process process = builder.start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
        Matcher seconds = USER_AND_SYSTEM_SECONDS.matcher(printed);
        if (process.waitFor() != 0 || !seconds.matches()) {
            throw new IOException(command + " printed " + printed);
        }
        return 1000 * (Double.parseDouble(seconds.group(1)) + Double.parseDouble(seconds.group(2)));
    }

    private static boolean hasBash() throws InterruptedException {
        try {
            return new ProcessBuilder("bash", "-c", "exit 0").start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** A jar with the program and the agent alone, so that its size does not count. */
    private static void writeJar(Path jar) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Premain-Class", NoOpAgent.class.getName());
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file, manifest)) {
            for (Class<?> type : List.of(HelloWorld.class, NoOpAgent.class)) {
                String name = type.getName().replace('.', '/') + ".class";
                out.putNextEntry(new JarEntry(name));
                try (InputStream in = StartUpRun.class.getClassLoader().getResourceAsStream(name)) {
                    if (in == null) {
                        throw new IOException(name + " is not on the class path");
                    }
                    in.transferTo(out);
                }
                out.closeEntry();
            }
        }
    }
}
