package io.sluice.installer;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one instrumentation said, taken once: of the client as it was published, or of a copy of it under other package
 * names, which is a client of its own that bears the same name. Immutable but for its flags.
 */
final class Client {
    /** The client's name. */
    final String name;
    /** The client's name, and which copy of it this is. */
    final String key;
    /** Whether its hooks sleep until a class of a real client is seen. */
    final boolean support;
    /** Its hooks; types and descriptors as this copy has them, advice as it lies in the agent's jar. */
    final List<Hook> hooks;
    /** Classes to define beside the client's, as they are called there. */
    final List<String> helpers;
    /** Packages of the JDK to open. */
    final List<String> opens;
    /** How this copy is called; null for the client itself. */
    final @Nullable Relocation relocation;
    /** Whether those are open. */
    volatile boolean opened;

    Client(ClientInstrumentation instrumentation) {
        name = instrumentation.client();
        key = name;
        support = instrumentation.support();
        hooks = new ArrayList<Hook>(instrumentation.hooks());
        helpers = new ArrayList<String>(instrumentation.helpers());
        opens = new ArrayList<String>(instrumentation.opens());
        relocation = null;
    }

    /**
     * A copy of a client.
     *
     * @param number tells the copies in this JVM apart
     */
    Client(Client original, Relocation relocation, int number) {
        name = original.name;
        String copy = "copy" + number;
        key = name + ' ' + copy;
        support = original.support;
        hooks = new ArrayList<Hook>();
        for (Hook hook : original.hooks) {
            hooks.add(hook.type(relocation.name(hook.type())).descriptor(relocation.descriptor(hook.descriptor())));
        }
        helpers = relocation.nameHelpers(original.helpers, copy);
        opens = original.opens;
        this.relocation = relocation;
    }

    /** The hooks by hooked class, in the order in which they were given. */
    Map<String, List<Hook>> hooksByType() {
        Map<String, List<Hook>> byType = new LinkedHashMap<String, List<Hook>>();
        for (Hook hook : hooks) {
            List<Hook> ofType = byType.get(hook.type());
            if (ofType == null) {
                ofType = new ArrayList<Hook>();
                byType.put(hook.type(), ofType);
            }
            ofType.add(hook);
        }
        return byType;
    }

    /** The binary names of the hooked classes, each as often as it has hooks. */
    List<String> types() {
        List<String> types = new ArrayList<String>();
        for (Hook hook : hooks) {
            types.add(hook.type());
        }
        return types;
    }
}
