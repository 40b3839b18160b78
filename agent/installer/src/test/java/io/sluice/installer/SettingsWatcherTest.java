package io.sluice.installer;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.limiter.Limits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class SettingsWatcherTest {
    private static final String KEY = "sluice.maxConnectionsPerServer";

    private final Properties properties = new Properties();
    private final List<Settings> changes = new ArrayList<>();
    private final CapturedLog log = new CapturedLog(Log.Level.WARN);
    private long fileTime = 1_000_000;

    @TempDir
    Path directory;

    @AfterEach
    void restoreLog() {
        log.close();
    }

    private SettingsWatcher watcher(String agentArguments) {
        return new SettingsWatcher(agentArguments, properties, Collections.emptyMap(), new ArrayList<>());
    }

    private int perServer(SettingsWatcher watcher) {
        watcher.tick(changes::add);
        return watcher.settings().limits().maxConnectionsPerServer();
    }

    @Test
    void nothingChangedTellsNobody() {
        properties.setProperty(KEY, "3");
        assertThat(perServer(watcher(null))).isEqualTo(3);
        assertThat(changes).isEmpty();
    }

    @Test
    void propertySetAtRunTimeIsTheStrongestSource() {
        properties.setProperty(KEY, "3");
        SettingsWatcher watcher = watcher("maxConnectionsPerServer=4");
        assertThat(perServer(watcher)).isEqualTo(4);
        properties.setProperty(KEY, "5");
        assertThat(perServer(watcher)).isEqualTo(5);
        assertThat(changes).singleElement().isSameAs(watcher.settings());
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void removingThePropertyTakesTheChangeBack() {
        SettingsWatcher watcher = watcher("maxConnectionsPerServer=4");
        properties.setProperty(KEY, "5");
        assertThat(perServer(watcher)).isEqualTo(5);
        properties.remove(KEY);
        assertThat(perServer(watcher)).isEqualTo(4);
    }

    @Test
    void overridesComeAndGoAtRunTime() {
        SettingsWatcher watcher = watcher(null);
        properties.setProperty("sluice.server.a.maxConnections", "5");
        watcher.tick(changes::add);
        assertThat(watcher.settings().limits().serverOverrides()).containsEntry("a", 5);
        properties.remove("sluice.server.a.maxConnections");
        watcher.tick(changes::add);
        assertThat(watcher.settings().limits().serverOverrides()).isEmpty();
    }

    @Test
    void badValueAtRunTimeIsNamedOnceAndTheOldStays() {
        SettingsWatcher watcher = watcher(null);
        properties.setProperty(KEY, "6");
        assertThat(perServer(watcher)).isEqualTo(6);
        properties.setProperty(KEY, "none");
        assertThat(perServer(watcher)).isEqualTo(6);
        assertThat(perServer(watcher)).isEqualTo(6);
        assertThat(changes).hasSize(1);
        assertThat(log.lines())
                .containsExactly(
                        "[sluice] WARN " + KEY + "=none (system property set at run time): expected an integer "
                                + "from 1 up, or unlimited; keeping 6");
    }

    @Test
    void unknownKeyAtRunTimeIsNamed() {
        SettingsWatcher watcher = watcher(null);
        properties.setProperty("sluice.mod", "off");
        watcher.tick(changes::add);
        assertThat(log.lines()).singleElement().asString().endsWith("did you mean sluice.mode?");
        assertThat(changes).isEmpty();
    }

    @Test
    void modeCanBeSwitchedOffAndOnAgainAtRunTime() {
        SettingsWatcher watcher = watcher(null);
        properties.setProperty("sluice.mode", "off");
        watcher.tick(changes::add);
        assertThat(watcher.settings().limits().mode()).isEqualTo(Limits.Mode.OFF);
        properties.setProperty("sluice.mode", "enforce");
        watcher.tick(changes::add);
        assertThat(watcher.settings().limits().mode()).isEqualTo(Limits.Mode.ENFORCE);
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void whatStartedSwitchedOffCannotBeSwitchedOn() {
        SettingsWatcher watcher = watcher("mode=off");
        properties.setProperty("sluice.mode", "enforce");
        watcher.tick(changes::add);
        assertThat(watcher.settings().limits().mode()).isEqualTo(Limits.Mode.OFF);
        assertThat(log.lines())
                .containsExactly("[sluice] WARN sluice.mode=enforce (system property set at run time): the program was "
                        + "started with sluice.mode=off, so that nothing is woven; keeping off");
    }

    @Test
    void changedFileIsReadAgainAndStaysTheWeakest() throws IOException {
        write(KEY + "=3\nsluice.maxPending=3");
        SettingsWatcher watcher = watcher("maxPending=9,config=" + directory.resolve("file"));
        assertThat(perServer(watcher)).isEqualTo(3);
        write(KEY + "=4\nsluice.maxPending=4");
        assertThat(perServer(watcher)).isEqualTo(4);
        assertThat(watcher.settings().limits().maxPending()).isEqualTo(9);
        write("");
        assertThat(perServer(watcher)).isEqualTo(2);
        assertThat(changes).hasSize(2);
    }

    @Test
    void badValueInAChangedFileKeepsTheOldOne() throws IOException {
        write(KEY + "=3");
        SettingsWatcher watcher = watcher("config=" + directory.resolve("file"));
        write(KEY + "=oops\nsluice.maxPending=4");
        assertThat(perServer(watcher)).isEqualTo(3);
        assertThat(watcher.settings().limits().maxPending()).isEqualTo(4);
        assertThat(log.lines()).singleElement().asString().endsWith("; keeping 3");
    }

    @Test
    void fileThatWentKeepsItsSettingsAndOneThatCameBackIsRead() throws IOException {
        write(KEY + "=3");
        SettingsWatcher watcher = watcher("config=" + directory.resolve("file"));
        Files.delete(directory.resolve("file"));
        assertThat(perServer(watcher)).isEqualTo(3);
        assertThat(log.lines()).singleElement().asString().endsWith("; keeping what it said before");
        write(KEY + "=4");
        assertThat(perServer(watcher)).isEqualTo(4);
    }

    @Test
    void fileMayBeNamedAtRunTime() throws IOException {
        write(KEY + "=7");
        SettingsWatcher watcher = watcher(null);
        properties.setProperty("sluice.config", directory.resolve("file").toString());
        assertThat(perServer(watcher)).isEqualTo(7);
    }

    @Test
    void relocationsAreTakenAtTheStartOnly() throws IOException {
        write("sluice.relocated=x.a:a");
        SettingsWatcher watcher = watcher("config=" + directory.resolve("file"));
        write("sluice.relocated=x.a:a\n" + KEY + "=4");
        assertThat(perServer(watcher)).isEqualTo(4);
        assertThat(log.lines()).isEmpty();
        properties.setProperty("sluice.relocated", "x.b:b");
        watcher.tick(changes::add);
        assertThat(log.lines())
                .containsExactly(
                        "[sluice] WARN sluice.relocated=x.b:b (system property set at run time): it is read at "
                                + "the start only, as classes may be loaded by now; keeping x.a:a");
        assertThat(watcher.settings().value("sluice.relocated")).isEqualTo("x.a:a");
    }

    /** Every time with another time of modification, whatever the file system's resolution. */
    private void write(String text) throws IOException {
        Path file = directory.resolve("file");
        Files.write(file, text.getBytes(StandardCharsets.UTF_8));
        fileTime += 10_000;
        Files.setLastModifiedTime(file, FileTime.fromMillis(fileTime));
    }
}
