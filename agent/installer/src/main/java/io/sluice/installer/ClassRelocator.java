package io.sluice.installer;

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
