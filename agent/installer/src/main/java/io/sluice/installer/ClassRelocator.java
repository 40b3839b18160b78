package io.sluice.installer;

import io.sluice.instrumentation.api.Hook;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.Set;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.Opcodes;
import net.bytebuddy.jar.asm.commons.ClassRemapper;
import net.bytebuddy.jar.asm.commons.Remapper;

/** Makes advice and helpers for a relocated copy of a client, in memory. Uses the ASM that is inside Byte Buddy. */
final class ClassRelocator {
    private ClassRelocator() {}

    /** The class with every name in it as it is in or beside the copy: its own, types, signatures, and texts. */
    static byte[] relocate(byte[] classFile, Relocation relocation) {
        ClassWriter to = new ClassWriter(0);
        new ClassReader(classFile).accept(new ClassRemapper(to, new Names(relocation)), 0);
        return to.toByteArray();
    }

    /** The names, with slashes, of all classes that a client's advice and helpers name. */
    static Set<String> namesIn(AgentClasses classes, Client client) throws IOException {
        Set<String> ours = new LinkedHashSet<String>(client.helpers);
        for (Hook hook : client.hooks) {
            ours.add(hook.advice());
        }
        final Set<String> names = new LinkedHashSet<String>();
        for (String name : ours) {
            byte[] classFile = classes.bytes(client.relocation == null ? name : client.relocation.original(name));
            if (classFile != null) {
                new ClassReader(classFile).accept(new ClassRemapper(new ClassWriter(0), new Collector(names)), 0);
            }
        }
        return names;
    }

    private static final class Collector extends Remapper {
        private final Set<String> names;

        Collector(Set<String> names) {
            super(Opcodes.ASM9);
            this.names = names;
        }

        @Override
        public String map(String internalName) {
            names.add(internalName);
            return internalName;
        }
    }

    private static final class Names extends Remapper {
        private final Relocation relocation;

        Names(Relocation relocation) {
            super(Opcodes.ASM9);
            this.relocation = relocation;
        }

        @Override
        public String map(String internalName) {
            return relocation.internalName(internalName);
        }

        @Override
        public Object mapValue(Object value) {
            return value instanceof String ? relocation.text((String) value) : super.mapValue(value);
        }
    }
}
