package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.api.ClientInstrumentation;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * The README's table of clients says what every build tests: the versions of a client's {@code pom.xml}, where the newest
 * is the one that the module is compiled against and each further one is an execution of the tests.
 */
@Timeout(60)
class SupportTableTest {
    private static final File ROOT = new File("../..");
    private static final Pattern PROPERTY = Pattern.compile("\\$\\{([^}]*)}");

    /** The folders of clients with versions of their own; those of the JDK have its. */
    static List<File> clientsOfLibraries() {
        File[] folders = new File(ROOT, "instrumentation").listFiles();
        return Stream.of(folders)
                .filter(folder -> new File(folder, "pom.xml").isFile())
                .filter(folder -> !testedVersions(folder).isEmpty())
                .sorted()
                .collect(Collectors.toList());
    }

    @ParameterizedTest
    @MethodSource("clientsOfLibraries")
    void everyBuildTestsTheVersionsOfTheTable(File client) throws IOException {
        String row = row(client.getName());
        assertThat(row.split("\\|", -1)[3].trim()).as(row).isEqualTo(String.join(", ", testedVersions(client)));
    }

    @Test
    void everyClientHasARowWithItsNameInSpans() throws IOException {
        List<String> names = new ArrayList<>();
        for (ClientInstrumentation one : ServiceLoader.load(ClientInstrumentation.class)) {
            // The class loaders' hooks let clients see the bridge; the README tells of them below the table.
            if (!one.support() && !one.client().equals("class-loaders")) {
                names.add(one.client());
            }
        }
        assertThat(names).hasSizeGreaterThan(5);
        List<String> table = table();
        assertThat(names).allSatisfy(name -> assertThat(table).anyMatch(row -> row.contains("`" + name + "`")));
    }

    private static List<String> table() throws IOException {
        return Files.readAllLines(new File(ROOT, "README.md").toPath(), StandardCharsets.UTF_8).stream()
                .filter(line -> line.startsWith("| ") && line.contains("](instrumentation/"))
                .collect(Collectors.toList());
    }

    private static String row(String folder) throws IOException {
        List<String> rows = table().stream()
                .filter(row -> row.contains("(instrumentation/" + folder + "/README.md)"))
                .collect(Collectors.toList());
        assertThat(rows).as("rows of " + folder).hasSize(1);
        return rows.get(0);
    }

    /** In ascending order. */
    private static List<String> testedVersions(File folder) {
        Document pom = parse(new File(folder, "pom.xml"));
        TreeSet<String> versions = new TreeSet<>(SupportTableTest::compareVersions);
        // One of the two is what the module is compiled against, and tested with in the first place.
        for (String compiled : Arrays.asList("newest.version", "middle.version")) {
            NodeList version = pom.getElementsByTagName(compiled);
            for (int i = 0; i < version.getLength(); i++) {
                versions.add(version.item(i).getTextContent());
            }
        }
        NodeList further = pom.getElementsByTagName("reportNameSuffix");
        for (int i = 0; i < further.getLength(); i++) {
            versions.add(resolve(further.item(i).getTextContent(), pom));
        }
        return new ArrayList<>(versions);
    }

    private static String resolve(String text, Document pom) {
        Matcher property = PROPERTY.matcher(text);
        if (!property.matches()) {
            return text;
        }
        Element properties = (Element) pom.getElementsByTagName("properties").item(0);
        return properties.getElementsByTagName(property.group(1)).item(0).getTextContent();
    }

    private static int compareVersions(String one, String other) {
        String[] ones = one.split("[.-]", -1);
        String[] others = other.split("[.-]", -1);
        for (int i = 0; i < Math.min(ones.length, others.length); i++) {
            boolean numbers = ones[i].matches("\\d+") && others[i].matches("\\d+");
            int order = numbers
                    ? Integer.compare(Integer.parseInt(ones[i]), Integer.parseInt(others[i]))
                    : ones[i].compareTo(others[i]);
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(ones.length, others.length);
    }

    private static Document parse(File file) {
        try {
            return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file);
        } catch (Exception e) {
            throw new IllegalStateException(file.getPath(), e);
        }
    }
}
