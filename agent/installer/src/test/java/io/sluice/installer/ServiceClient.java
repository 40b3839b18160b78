package io.sluice.installer;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.Collections;
import java.util.List;

/** An instrumentation that is found as a service. */
public final class ServiceClient implements ClientInstrumentation {
    /** The system property with the name of the hooked class: one that no other test has loaded. */
    static final String TYPE = "test.service.client.type";

    @Override
    public String client() {
        return "service-client";
    }

    @Override
    public List<Hook> hooks() {
        return Collections.singletonList(
                Hook.on(System.getProperty(TYPE)).method("call").advice("io.sluice.installer.SampleAdvice$Counting"));
    }
}
