package io.sluice.installer;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.Collections;
import java.util.List;

/** An instrumentation that is found as a service. */
public final class ServiceClient implements ClientInstrumentation {
    static final String TYPE = "sample.ServiceClient";

    @Override
    public String client() {
        return "service-client";
    }

    @Override
    public List<Hook> hooks() {
        return Collections.singletonList(
                Hook.on(TYPE).method("call").advice("io.sluice.installer.SampleAdvice$Counting"));
    }
}
