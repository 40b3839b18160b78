package io.sluice.installer;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All classes that concern the weaver, by name: those that are hooked, those of relocated copies, and those that show that
 * the program has an OpenTelemetry API. Immutable once made.
 */
final class Targets {
    /** Stands for the classes that are not woven but show that the program has an OpenTelemetry API. */
    static final Target PROGRAM_API = new Target("");

    /** By the name with slashes, as the JVM gives it while a class is loaded. */
    private final Map<String, Target> byInternalName = new HashMap<String, Target>();
    /** By the name with dots, as a loaded class gives it. */
    private final Map<String, Target> byName = new HashMap<String, Target>();

    private final List<Client> clients = new ArrayList<Client>();
    private final Relocations relocations;

    /** Asks the instrumentations; one that fails costs itself alone. */
    Targets(
            Iterable<ClientInstrumentation> instrumentations,
            Relocations relocations,
            Iterable<String> programApiClasses) {
        this.relocations = relocations;
        int copies = 0;
        for (ClientInstrumentation one : instrumentations) {
            try {
                Client client = new Client(one);
                clients.add(client);
                add(client);
                if (client.support) {
                    continue; // what it supports is the JVM's, or a framework's that nobody relocates
                }
                for (Relocation relocation : relocations.copiesOf(client.types())) {
                    copies++;
                    add(new Client(client, relocation, copies));
                }
            } catch (Throwable fault) {
                Log.fault(one.getClass().getName() + " does not say what to hook; its client is left alone", fault);
            }
        }
        if (copies == 0 && !relocations.mappings().isEmpty()) {
            Log.warn(Setting.RELOCATED.key() + " names no package of a client that is limited: "
                    + relocations.mappings());
        }
        for (String className : programApiClasses) {
            put(className, PROGRAM_API);
        }
    }

    private void add(Client client) {
        for (Hook hook : client.hooks) {
            Target target = byName.get(hook.type());
            if (target == null) {
                target = new Target(hook.type());
                put(hook.type(), target);
            }
            target.add(client, hook);
        }
    }

    private void put(String className, Target target) {
        byName.put(className, target);
        byInternalName.put(className.replace('.', '/'), target);
    }

    /** What is known about a class by its name with slashes; null where nothing is. */
    @Nullable
    Target byInternalName(@Nullable String internalName) {
        return byInternalName.get(internalName);
    }

    /** What is known about a class by its name with dots; null where nothing is. */
    @Nullable
    Target byName(String name) {
        return byName.get(name);
    }

    /** The copies that the user has named. */
    Relocations relocations() {
        return relocations;
    }

    /** The clients themselves, without copies. */
    List<Client> clients() {
        return clients;
    }
}
