package io.sluice.instrumentation.asynchttpclient;

import org.jspecify.annotations.Nullable;

/** The HTTP/2 connection that an attempt has joined, if any. Thread-safe; nothing blocks. */
final class Share {
    private @Nullable Link joined;
    private boolean over;

    Share(@Nullable Link joined) {
        this.joined = joined;
    }

    synchronized boolean isOn(@Nullable Link link) {
        return link != null && joined == link;
    }

    synchronized boolean isTaken() {
        return joined != null;
    }

    /** The attempt counts among the users of this connection; where it is over, or has one, it does not any more. */
    void take(Link link) {
        synchronized (this) {
            if (joined == null && !over) {
                joined = link;
                return;
            }
        }
        link.leave();
    }

    void leave() {
        Link link;
        synchronized (this) {
            link = joined;
            joined = null;
        }
        if (link != null) {
            link.leave();
        }
    }

    /** The attempt is over. */
    void end() {
        synchronized (this) {
            over = true;
        }
        leave();
    }
}
