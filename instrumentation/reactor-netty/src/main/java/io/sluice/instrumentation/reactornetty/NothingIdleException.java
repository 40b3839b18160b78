package io.sluice.instrumentation.reactornetty;

/** What a pool is told instead of a new connection when somebody wants one that is there, or none. */
final class NothingIdleException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NothingIdleException() {
        super("nothing is free in this pool", null, false, false);
    }
}
