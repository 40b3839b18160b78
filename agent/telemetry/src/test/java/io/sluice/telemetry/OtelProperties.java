package io.sluice.telemetry;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Sets {@code otel.*} system properties for the length of a test. */
final class OtelProperties implements AfterEachCallback {
    OtelProperties set(String key, String value) {
        System.setProperty(key, value);
        return this;
    }

    @Override
    public void afterEach(ExtensionContext context) {
        System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith("otel."))
                .forEach(System::clearProperty);
    }
}
