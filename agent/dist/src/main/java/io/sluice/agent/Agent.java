package io.sluice.agent;

import java.io.File;
import java.io.IOException;
import java.lang.instrument.Instrumentation;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.util.jar.JarFile;
import org.jspecify.annotations.Nullable;

/**
 * What the JVM calls to start Sluice: {@code premain} for {@code -javaagent}, {@code agentmain} for an attach.
 *
 * <p>Neither ever throws: whatever goes wrong, the program runs on without limits and one line on {@code System.err}
 * says why. Neither prints anything else. Both return when the agent is installed; they start no thread themselves and
 * wait for nobody.
 *
 * <p>The class belongs into the bootstrap class loader, together with the few classes that woven code calls, so that
 * each of them exists once in a JVM. The manifest's {@code Boot-Class-Path} (package documentation of
 * {@code java.lang.instrument}) puts it there, under the condition that the jar still bears its name; of a renamed jar
 * the system class loader's copy of this class runs first, and hands over to the bootstrap loader's.
 */
public final class Agent {

    private static final String INSTALLER = "io.sluice.installer.Installer";

    private enum State {
        NONE,
        INSTALLED,
        FAILED
    }

    /** Guarded by the class. Meaningful in the bootstrap loader's copy of this class only. */
    private static State state = State.NONE;

    private Agent() {}

    /** Called by the JVM before {@code main}, once for each {@code -javaagent} option that names the jar. */
    public static void premain(@Nullable String agentArguments, Instrumentation instrumentation) {
        start(agentArguments, instrumentation, false);
    }

    /** Called by the JVM when the jar is attached to it while its program runs, on a thread of the attach listener. */
    public static void agentmain(@Nullable String agentArguments, Instrumentation instrumentation) {
        start(agentArguments, instrumentation, true);
    }

    private static void start(@Nullable String agentArguments, Instrumentation instrumentation, boolean attached) {
        try {
            if (Agent.class.getClassLoader() == null) {
                installOnce(agentArguments, instrumentation, attached);
            } else {
                handOver(agentArguments, instrumentation, attached);
            }
        } catch (Throwable problem) {
            warn("not installed: " + reason(problem), agentArguments);
        }
    }

    /** Continues in the bootstrap class loader's copy of this class, which it first makes visible if it is not. */
    private static void handOver(@Nullable String agentArguments, Instrumentation instrumentation, boolean attached)
            throws Exception {
        Class<?> bootCopy = findBootCopy();
        if (bootCopy == null) {
            instrumentation.appendToBootstrapClassLoaderSearch(new JarFile(agentJar()));
            bootCopy = Class.forName(Agent.class.getName(), true, null);
        }
        bootCopy.getMethod(attached ? "agentmain" : "premain", String.class, Instrumentation.class)
                .invoke(null, agentArguments, instrumentation);
    }

    private static @Nullable Class<?> findBootCopy() {
        try {
            return Class.forName(Agent.class.getName(), true, null);
        } catch (ClassNotFoundException notYetThere) {
            return null;
        }
    }

    private static synchronized void installOnce(
            @Nullable String agentArguments, Instrumentation instrumentation, boolean attached) throws Exception {
        if (state == State.INSTALLED) {
            warn("already installed: the second -javaagent (or attach) changes nothing", agentArguments);
            return;
        }
        if (state == State.FAILED) {
            // What a failed attempt left behind is unknown, so a second one could weave classes twice.
            warn("not installed: an earlier attempt in this JVM failed", agentArguments);
            return;
        }
        state = State.FAILED;
        File jar = agentJar();
        Class.forName(INSTALLER, true, AgentClassLoader.over(jar))
                .getMethod("install", String.class, Instrumentation.class, File.class, boolean.class)
                .invoke(null, agentArguments, instrumentation, jar, attached);
        state = State.INSTALLED;
    }

    /**
     * The jar that this class came from. The JVM puts an agent's jar onto the system class path too, so the system class
     * loader knows it even where the bootstrap loader shows none of its resources.
     */
    private static File agentJar() throws IOException, URISyntaxException {
        String resource = Agent.class.getName().replace('.', '/') + ".class";
        URL url = ClassLoader.getSystemResource(resource);
        String file = url == null ? "" : url.getFile();
        int endOfJar = file.lastIndexOf("!/");
        if (url == null || endOfJar < 0) {
            throw new IOException("found no agent jar, but " + url);
        }
        return new File(new URI(file.substring(0, endOfJar)));
    }

    private static String reason(Throwable problem) {
        Throwable cause = problem;
        while (cause instanceof InvocationTargetException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause).replace('\n', ' ').replace('\r', ' ');
    }

    private static void warn(String message, @Nullable String agentArguments) {
        try {
            // The settings are read by the installer, which may be the very thing that failed.
            boolean silenced = "off".equals(System.getProperty("sluice.log"))
                    || ("," + agentArguments + ",").contains(",log=off,");
            if (!silenced) {
                System.err.println("[sluice] WARN " + message);
            }
        } catch (Throwable nobodyCanBeTold) {
            // A security manager or a broken System.err must not keep the program from starting.
        }
    }
}
