package io.sluice.installer;

import io.sluice.instrumentation.api.ClientInstrumentation;
import java.util.ArrayList;
import java.util.List;

/** What one instrumentation said, taken once. Immutable but for its flags. */
final class Client {
    /** The client's name. */
    final String name;
    /** Whether its hooks sleep until a class of a real client is seen. */
    final boolean support;
    /** Classes to define beside the client's. */
    final List<String> helpers;
    /** Packages of the JDK to open. */
    final List<String> opens;
    /** Whether those are open. */
    volatile boolean opened;

    Client(ClientInstrumentation instrumentation) {
        name = instrumentation.client();
        support = instrumentation.support();
        helpers = new ArrayList<String>(instrumentation.helpers());
        opens = new ArrayList<String>(instrumentation.opens());
    }
}
