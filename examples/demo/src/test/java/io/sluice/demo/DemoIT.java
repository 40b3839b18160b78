package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.demo.Demo.Outcome;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The demo itself, with the jars that the build has made. */
@Timeout(120)
class DemoIT {
    private static final File EXAMPLES = new File(System.getProperty("basedir", "."), "..");

    @TempDir
    Path folder;

    @Test
    void showsTheLimitOnAPathWithBlanks() throws IOException, InterruptedException {
        Path agentJar = Files.createDirectories(folder.resolve("my own folder")).resolve("sluice-agent.jar");
        Files.copy(EXAMPLES.toPath().resolve("../agent/dist/target/sluice-agent.jar"), agentJar);

        Outcome outcome = Demo.run(agentJar.toFile(), new File(EXAMPLES, "report-job/target/report-job.jar"));

        String printed = printed(outcome);
        assertThat(outcome.faults()).as("%s", printed).isEmpty();
        assertThat(printed.lines()).as("%s", printed).allMatch(line -> line.length() <= 80);
        assertThat(printed)
                .contains("url-1", "url-4", "apache-1", "apache-4", "jdk-1", "jdk-4")
                .contains("http-url-connection", "apache-httpclient-4", "java-http-client")
                .contains("HTTP wait_for_connection 127.0.0.1:" + outcome.with().port());
    }

    private static String printed(Outcome outcome) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        new Report(outcome, out, Timeline.Glyphs.UNICODE).print();
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
