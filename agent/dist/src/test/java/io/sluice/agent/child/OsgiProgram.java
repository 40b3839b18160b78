package io.sluice.agent.child;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.osgi.framework.Bundle;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;

/**
 * Starts the OSGi framework of the class path with its storage in a folder, installs and starts bundles, and stops.
 *
 * <p>Arguments: the folder, and the bundles' URLs.
 */
public final class OsgiProgram {
    private OsgiProgram() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> configuration = new HashMap<>();
        configuration.put("org.osgi.framework.storage", arguments[0]);
        // The JDK's packages, which old frameworks do not all know by heart; never ours.
        configuration.put("org.osgi.framework.bootdelegation", "javax.*,org.ietf.*,jdk.*,sun.*");
        configuration.put("test.url", System.getProperty("test.url"));
        Framework framework =
                ServiceLoader.load(FrameworkFactory.class).iterator().next().newFramework(configuration);
        framework.start();
        List<Bundle> bundles = new ArrayList<>();
        for (int i = 1; i < arguments.length; i++) {
            bundles.add(framework.getBundleContext().installBundle(arguments[i]));
        }
        for (Bundle bundle : bundles) {
            bundle.start();
        }
        framework.stop();
        framework.waitForStop(0);
        System.out.println("[stopped]");
    }
}
