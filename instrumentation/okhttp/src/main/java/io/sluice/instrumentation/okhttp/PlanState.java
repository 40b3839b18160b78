package io.sluice.instrumentation.okhttp;

import java.lang.ref.WeakReference;
import org.jspecify.annotations.Nullable;

/**
 * One attempt of a call to connect, since 5.0. The attempts of a call race each other, each a quarter of a second after the
 * one before; the room that they share has place for one where there is none to spare. Then a later attempt stops the
 * one that connects; that is made anew and waits for its turn, with all of its time. So each address is tried, and two of
 * them are never connected at once.
 */
final class PlanState {
    final CallState call;
    final Attempt attempt = new Attempt();

    private final WeakReference<Object> plan;
    /** Whether it was stopped once: it neither stops others nor is it stopped again. */
    private final boolean again;
    // Guarded by the call.
    private boolean connecting;
    private boolean stopped;

    PlanState(CallState call, Object plan, boolean again) {
        this.call = call;
        this.plan = new WeakReference<>(plan);
        this.again = again;
    }

    /** It has room, and is about to connect. */
    void begin() {
        synchronized (call) {
            connecting = true;
            call.connecting().add(this);
        }
    }

    /** It has connected, or failed. */
    void end() {
        synchronized (call) {
            if (connecting) {
                connecting = false;
                call.connecting().remove(this);
            }
        }
    }

    /** There is no room for it: stops another attempt of its call. */
    void stopOther() throws Throwable {
        Object stopping = again ? null : chooseOther();
        if (stopping != null) {
            Internals.cancelPlan(stopping);
        }
    }

    private @Nullable Object chooseOther() {
        synchronized (call) {
            for (PlanState other : call.connecting()) {
                Object its = other.plan.get();
                if (!other.again && !other.stopped && its != null) {
                    other.stopped = true;
                    return its;
                }
            }
        }
        return null;
    }

    /** Whether another attempt stopped it. */
    boolean isStopped() {
        synchronized (call) {
            return stopped;
        }
    }
}
