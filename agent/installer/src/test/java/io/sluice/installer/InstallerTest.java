package io.sluice.installer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import net.bytebuddy.agent.ByteBuddyAgent;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Installs the agent in a class loader of its own, as often as there are tests. */
@Timeout(60)
class InstallerTest {
    private static int tests;

    private final String clientClass = "sample.ServiceClient" + ++tests;
    private static final int JAVA_8 = 52;

    private final CapturedLog log = new CapturedLog(Log.Level.WARN);
    private final AgentLoader agent = new AgentLoader();
    private final List<ClassFileTransformer> transformers = new CopyOnWriteArrayList<>();
    private final Instrumentation instrumentation = ByteBuddyAgent.install();

    @AfterEach
    void restore() throws Exception {
        transformers.forEach(instrumentation::removeTransformer);
        ExecutorService background = (ExecutorService) agent.loadClass("io.sluice.bridge.Background")
                .getMethod("executor")
                .invoke(null);
        background.shutdownNow();
        assertThat(background.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        System.clearProperty(ServiceClient.TYPE);
        System.clearProperty("sluice.maxConnectionsPerServer");
        System.clearProperty("sluice.log");
        System.clearProperty("sluice.mode");
        log.close();
    }

    private void install(String arguments) throws Exception {
        System.setProperty(ServiceClient.TYPE, clientClass);
        InvocationHandler recording = (proxy, method, parameters) -> {
            if (method.getName().equals("addTransformer")) {
                transformers.add((ClassFileTransformer) parameters[0]);
            }
            try {
                return method.invoke(instrumentation, parameters);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        };
        Object recorded =
                Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Instrumentation.class}, recording);
        agent.loadClass("io.sluice.installer.Installer")
                .getMethod("install", String.class, Instrumentation.class, File.class, boolean.class)
                .invoke(null, arguments, recorded, null, false);
    }

    @Test
    void loadsByteBuddyOnlyWhenAClientIsLoaded() throws Exception {
        install(null);
        Class.forName("java.util.concurrent.Phaser");
        assertThat(agent.loaded).contains("io.sluice.installer.Weaver");
        assertThat(agent.loaded).noneMatch(name -> name.startsWith("net.bytebuddy."));
        assertThat(agent.loaded).doesNotContain("io.sluice.installer.ClassWeaver");

        new SampleClient(agent).with(JAVA_8, clientClass, "call").load(clientClass);
        assertThat(agent.loaded).contains("net.bytebuddy.ByteBuddy");
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void advicesAndClientsAreNeverLoadedIntoTheAgent() throws Exception {
        install(null);
        new SampleClient(agent).with(JAVA_8, clientClass, "call").load(clientClass);
        assertThat(agent.loaded).noneMatch(name -> name.startsWith(SampleAdvice.class.getName()));
    }

    @Test
    void isSilentByDefault() throws Exception {
        install("maxConnectionsPerServer=6");
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void saysOneLineWhenAsked() throws Exception {
        install("maxConnectionsPerServer=6,log=info");
        assertThat(log.lines())
                .containsExactly("[sluice] INFO installed: 6 connections per server, 4 per HTTP/1.0 server, "
                        + "6 per proxy, unlimited in total");
    }

    @Test
    void badSettingIsNamedAndTheAgentInstalled() throws Exception {
        install("maxConnectionsPerServer=none");
        assertThat(log.lines()).hasSize(1);
        assertThat(transformers).hasSize(1);
    }

    @Test
    void switchedOffWeavesNothingForGood() throws Exception {
        install("mode=off");
        assertThat(transformers).isEmpty();
        System.setProperty("sluice.mode", "enforce");
        Awaitility.await().until(() -> !log.lines().isEmpty());
        assertThat(log.lines()).singleElement().asString().endsWith("so that nothing is woven; keeping off");
    }

    @Test
    void changeAtRunTimeReachesTheLimiterInTime() throws Exception {
        install("log=info");
        System.setProperty("sluice.maxConnectionsPerServer", "7");
        new SampleClient(agent).with(JAVA_8, clientClass, "call").load(clientClass);
        Awaitility.await().until(() -> limitPerServer() == 7);
        System.setProperty("sluice.maxConnectionsPerServer", "8");
        Awaitility.await().until(() -> limitPerServer() == 8);
        Awaitility.await() // it is told after it is done
                .untilAsserted(() -> assertThat(log.lines())
                        .last()
                        .asString()
                        .startsWith("[sluice] INFO settings changed: 8 connections"));
    }

    private int limitPerServer() throws Exception {
        Object table = agent.loadClass("io.sluice.bridge.ConnectionGate")
                .getMethod("table")
                .invoke(null);
        Object limits = table.getClass().getMethod("limits").invoke(table);
        return (Integer) limits.getClass().getMethod("maxConnectionsPerServer").invoke(limits);
    }

    /** Has the class path to itself, the tests' instrumentation as a service, and remembers what it has loaded. */
    private static final class AgentLoader extends URLClassLoader {
        private static final String SERVICE = "META-INF/services/io.sluice.instrumentation.api.ClientInstrumentation";

        final Set<String> loaded = ConcurrentHashMap.newKeySet();

        AgentLoader() {
            super(classPath(), ClassLoader.getSystemClassLoader().getParent());
        }

        private static URL[] classPath() {
            List<URL> urls = new ArrayList<>();
            for (String element : System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                    .split(File.pathSeparator)) {
                try {
                    urls.add(new File(element).toURI().toURL());
                } catch (MalformedURLException e) {
                    throw new AssertionError(e);
                }
            }
            return urls.toArray(new URL[0]);
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            Class<?> found = super.findClass(name);
            loaded.add(name);
            return found;
        }

        @Override
        public Enumeration<URL> getResources(String name) throws IOException {
            return name.equals(SERVICE)
                    ? Collections.enumeration(Collections.singleton(service()))
                    : super.getResources(name);
        }

        private static URL service() throws MalformedURLException {
            return new URL(null, "test:service", new URLStreamHandler() {
                @Override
                protected URLConnection openConnection(URL url) {
                    return new URLConnection(url) {
                        @Override
                        public void connect() {
                            // Nothing to connect to.
                        }

                        @Override
                        public InputStream getInputStream() {
                            return new ByteArrayInputStream(
                                    ServiceClient.class.getName().getBytes(StandardCharsets.UTF_8));
                        }
                    };
                }
            });
        }
    }
}
