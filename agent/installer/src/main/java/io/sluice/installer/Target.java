package io.sluice.installer;

import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.List;

/** One class that is hooked, by binary name, and the hooks of each client on it. Immutable once premain is done. */
final class Target {
    /** The hooks of one client on the class. */
    static final class Part {
        /** Whose hooks these are. */
        final Client client;
        /** At least one. */
        final List<Hook> hooks = new ArrayList<Hook>();

        Part(Client client) {
            this.client = client;
        }
    }

    /** The class's binary name. */
    final String className;
    /** Nearly always one. */
    final List<Part> parts = new ArrayList<Part>(1);

    Target(String className) {
        this.className = className;
    }

    void add(Client client, Hook hook) {
        Part last = parts.isEmpty() ? null : parts.get(parts.size() - 1);
        if (last == null || last.client != client) {
            last = new Part(client);
            parts.add(last);
        }
        last.hooks.add(hook);
    }

    /** Whether a client itself, and not only a support of clients, hooks the class. */
    boolean isOfClient() {
        for (Part part : parts) {
            if (!part.client.support) {
                return true;
            }
        }
        return false;
    }
}
