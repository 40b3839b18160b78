package io.sluice.limiter;

import org.jspecify.annotations.Nullable;

/**
 * Is told of every wait. Both methods are called outside all locks of this package and must neither block nor throw
 * (what they throw is reported as a fault of the agent and changes nothing for the exchange).
 */
public interface WaitListener {
    /**
     * Called on the asking thread when its exchange must wait, before it waits.
     *
     * @return whatever {@link #ended} needs of that thread, such as its trace context; kept until the wait is over
     */
    @Nullable
    Object captureContext();

    /** Called once for every wait, when it is over, on any thread. */
    void ended(Wait wait);
}
