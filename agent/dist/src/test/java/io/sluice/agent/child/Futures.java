package io.sluice.agent.child;

import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/** Waits for what an asynchronous client answers. */
final class Futures {
    private Futures() {}

    /** The value, or the exception with which the client completed its future. */
    static <T> T get(Future<T> future) throws Exception {
        try {
            return future.get();
        } catch (ExecutionException e) {
            Throwable cause =
                    e.getCause() instanceof CompletionException ? e.getCause().getCause() : e.getCause();
            throw cause instanceof Exception ? (Exception) cause : e;
        }
    }
}
