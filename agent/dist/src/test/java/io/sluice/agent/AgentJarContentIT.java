package io.sluice.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The built jar holds each class where its class loader looks, and nothing that a program could stumble over. */
@Timeout(60)
class AgentJarContentIT {

    private static final Pattern BOOTSTRAP_CLASS =
            Pattern.compile("io/sluice/(agent|limiter|bridge|instrumentation/\\w+/boot)/.*");
    /** Of the JDK's own client, which only the bootstrap classes made for it may name. */
    private static final Pattern URL_CONNECTION = Pattern.compile("(sun/net|javax/net)/.*");

    private static final Pattern FOR_JAVA_11 =
            Pattern.compile("inst/(io/sluice/instrumentation/javahttpclient|jdk/internal/net/http)/.*");
    private static final int JAVA_8 = 52;
    private static final int JAVA_11 = 55;
    private static final int MEGABYTES = 1_000_000;

    private JarFile jar;

    @BeforeEach
    void open() throws IOException {
        jar = new JarFile(ChildJvm.agentJar());
    }

    @AfterEach
    void close() throws IOException {
        jar.close();
    }

    @Test
    void rootHoldsTheBootstrapClassesAndNothingElse() {
        assertThat(names(".class"))
                .isNotEmpty()
                .allMatch(name -> BOOTSTRAP_CLASS.matcher(name).matches());
        assertThat(names(""))
                .allMatch(name -> name.startsWith("inst/")
                        || name.startsWith("META-INF/MANIFEST.MF")
                        || name.startsWith("META-INF/LICENSE")
                        || name.endsWith(".class"));
        assertThat(names(".classdata")).isNotEmpty().allMatch(name -> name.startsWith("inst/"));
    }

    @Test
    void bootstrapClassesNameOnlyJavaAndEachOther() throws IOException {
        for (String name : names(".class")) {
            assertThat(constants(name).classes)
                    .as(name)
                    .allMatch(used -> used.startsWith("java/")
                            || BOOTSTRAP_CLASS.matcher(used).matches()
                            || (name.contains("/httpurlconnection/boot/")
                                    && URL_CONNECTION.matcher(used).matches()));
        }
    }

    /** JVMs before 8u40 crash on an invokedynamic before main; lambdas and method references compile to it. */
    @Test
    void bootstrapClassesUseNoInvokedynamic() throws IOException {
        for (String name : names(".class")) {
            assertThat(constants(name).invokesDynamically).as(name).isFalse();
        }
    }

    @Test
    void classesAreOfJava8ExceptThoseForTheClientOfJava11() throws IOException {
        List<String> classes = names(".class");
        classes.addAll(names(".classdata"));
        for (String name : classes) {
            int newest = FOR_JAVA_11.matcher(name).matches() ? JAVA_11 : JAVA_8;
            assertThat(constants(name).version).as(name).isLessThanOrEqualTo(newest);
        }
    }

    @Test
    void everyServiceProviderIsThere() throws IOException {
        List<String> services = names("");
        services.removeIf(name -> !name.startsWith("inst/META-INF/services/"));
        for (String service : services) {
            try (BufferedReader lines = new BufferedReader(
                    new InputStreamReader(jar.getInputStream(jar.getEntry(service)), StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    String provider = line.replaceFirst("#.*", "").trim();
                    if (!provider.isEmpty()) {
                        assertThat(jar.getEntry("inst/" + provider.replace('.', '/') + ".classdata"))
                                .as("%s of %s", provider, service)
                                .isNotNull();
                    }
                }
            }
        }
    }

    @Test
    void jarStaysSmall() {
        assertThat(ChildJvm.agentJar()).size().isLessThan(8 * MEGABYTES);
    }

    private List<String> names(String suffix) {
        List<String> names = new ArrayList<>();
        for (JarEntry entry : Collections.list(jar.entries())) {
            if (!entry.isDirectory() && entry.getName().endsWith(suffix)) {
                names.add(entry.getName());
            }
        }
        return names;
    }

    private Constants constants(String name) throws IOException {
        try (DataInputStream in = new DataInputStream(jar.getInputStream(jar.getEntry(name)))) {
            return new Constants(in);
        }
    }

    /** The head of a class file: Java Virtual Machine Specification, sections 4.1 and 4.4. */
    private static final class Constants {
        private static final Pattern TYPE = Pattern.compile("L([\\w/$]+);");

        final int version;
        final List<String> classes = new ArrayList<>();
        boolean invokesDynamically;

        Constants(DataInputStream in) throws IOException {
            in.readInt();
            in.readUnsignedShort();
            version = in.readUnsignedShort();
            int count = in.readUnsignedShort();
            String[] texts = new String[count];
            List<Integer> classNames = new ArrayList<>();
            List<Integer> descriptors = new ArrayList<>();
            for (int index = 1; index < count; index++) {
                int tag = in.readUnsignedByte();
                switch (tag) {
                    case 1:
                        texts[index] = in.readUTF();
                        break;
                    case 7:
                        classNames.add(in.readUnsignedShort());
                        break;
                    case 12:
                        in.readUnsignedShort();
                        descriptors.add(in.readUnsignedShort());
                        break;
                    case 5:
                    case 6:
                        in.readLong();
                        index++;
                        break;
                    case 8:
                    case 16:
                    case 19:
                    case 20:
                        in.readUnsignedShort();
                        break;
                    case 15:
                        in.readUnsignedByte();
                        in.readUnsignedShort();
                        break;
                    case 17:
                    case 18:
                        invokesDynamically = true;
                        in.readInt();
                        break;
                    default:
                        in.readInt();
                }
            }
            for (int index : classNames) {
                if (texts[index].startsWith("[")) {
                    addTypes(texts[index]);
                } else {
                    classes.add(texts[index]);
                }
            }
            for (int index : descriptors) {
                addTypes(texts[index]);
            }
        }

        private void addTypes(String descriptor) {
            for (Matcher type = TYPE.matcher(descriptor); type.find(); ) {
                classes.add(type.group(1));
            }
        }
    }
}
