package io.sluice.agent.child.bundle;

import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/** Runs {@link ManyRequests} while its bundle starts. */
public final class ManyRequestsActivator implements BundleActivator {
    @Override
    public void start(BundleContext context) throws Exception {
        // As many bundles do: commons-logging looks for its classes in the context class loader.
        Thread.currentThread().setContextClassLoader(ManyRequestsActivator.class.getClassLoader());
        ManyRequests.run(context.getProperty("test.url"));
    }

    @Override
    public void stop(BundleContext context) {
        // Nothing goes on.
    }
}
