package io.sluice.installer;

import net.bytebuddy.asm.Advice;
import net.bytebuddy.implementation.bytecode.assign.Assigner;

/** Advice as instrumentations write it. */
final class SampleAdvice {
    private SampleAdvice() {}

    /** Tells {@link Probe} of every call, and adds 100 to what comes back. */
    static final class Counting {
        private Counting() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static int enter(@Advice.Argument(0) int number) {
            Probe.entered(number);
            return 100;
        }

        @Advice.OnMethodExit(suppress = Throwable.class, onThrowable = Throwable.class)
        static void exit(
                @Advice.Enter int more, @Advice.Return(readOnly = false) int result, @Advice.Thrown Throwable thrown) {
            Probe.left(thrown);
            result = thrown == null ? result + more : result;
        }
    }

    /** Fails on the way in and on the way out. */
    static final class Failing {
        private Failing() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter() {
            Probe.fail("enter");
        }

        @Advice.OnMethodExit(suppress = Throwable.class, onThrowable = Throwable.class)
        static void exit() {
            Probe.fail("exit");
        }
    }

    /** Calls a helper. */
    static final class Helped {
        private Helped() {}

        @Advice.OnMethodEnter(suppress = Throwable.class)
        static void enter(@Advice.This(typing = Assigner.Typing.DYNAMIC) Object client) {
            SampleHelper.seen(client);
        }
    }
}
