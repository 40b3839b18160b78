package io.sluice.installer;

import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import net.bytebuddy.asm.Advice;
import samplelib.client.impl.SamplePoolManager;
import samplelib.client.impl.SluiceInside;
import samplelib.core.Wire;

/** Advice for the library in {@code samplelib}, which names its types. */
final class LibraryAdvice {
    private LibraryAdvice() {}

    static ClientInstrumentation instrumentation() {
        return new SampleInstrumentation(Hook.on("samplelib.client.impl.SamplePoolManager")
                        .method("take")
                        .descriptor("(Ljava/lang/String;)Lsamplelib/core/Wire;")
                        .advice(Taken.class.getName()))
                .helpers(LibraryHooks.Looked.class, SluiceInside.class, LibraryHooks.class);
    }

    /** A manager gives out a wire. */
    static final class Taken {
        private Taken() {}

        @Advice.OnMethodExit(suppress = Throwable.class)
        static void exit(@Advice.This SamplePoolManager manager, @Advice.Return Wire wire) throws Exception {
            LibraryHooks.taken(manager, wire);
        }
    }
}
