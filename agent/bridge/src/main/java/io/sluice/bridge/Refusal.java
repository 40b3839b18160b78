package io.sluice.bridge;

/**
 * Returned by an advice at a method's entry to keep the method from running: {@code skipOn = Refusal.class}. The exit
 * advice then throws the exception by handing it to {@code @Advice.Thrown}. It cannot simply be thrown at the entry: there
 * {@code suppress} swallows whatever is thrown, so that no fault of ours reaches the program.
 */
public final class Refusal {
    private final Throwable exception;

    /** Refuses with the client's own exception. */
    public Refusal(Throwable exception) {
        this.exception = exception;
    }

    /** What the program is to see. */
    public Throwable exception() {
        return exception;
    }
}
