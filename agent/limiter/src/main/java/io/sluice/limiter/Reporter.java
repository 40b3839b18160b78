package io.sluice.limiter;

/** Takes what an operator should know. Must not block on the limiter; called without any of its locks. */
public interface Reporter {
    /** Something about the program or its servers deserves attention, such as a stall. */
    void warn(String message);

    /** The agent itself, or a client's own closing method, failed; the exchange went on. */
    void fault(Throwable fault);
}
