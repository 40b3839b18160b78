package io.sluice.limiter;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Notices that somebody waits and nothing moves. Used by one thread at a time, that of {@link LimiterTable#watch}. */
final class StallWatch {
    private long seenReleases = -1;
    private long movedNanos;
    private boolean warned;

    /**
     * @return the warning, once per stall: when the first in the queue has waited for {@code stallNanos} and as long
     *     nothing was released; otherwise null
     */
    @Nullable
    String look(Snapshot now, List<Lease> leases, long nowNanos, long stallNanos) {
        if (now.pending() == 0 || now.releases() != seenReleases) {
            seenReleases = now.releases();
            movedNanos = nowNanos;
            warned = false;
        }
        for (Lease lease : leases) {
            if (lease.seenHeldNanos == 0) {
                lease.seenHeldNanos = nowNanos;
            }
        }
        boolean stalled = now.pending() > 0
                && stallNanos > 0
                && now.oldestWaitNanos() >= stallNanos
                && nowNanos - movedNanos >= stallNanos;
        if (!stalled || warned) {
            return null;
        }
        warned = true;
        StringBuilder text = new StringBuilder("nothing was released for ")
                .append(seconds(nowNanos - movedNanos))
                .append(" while exchanges wait for ")
                .append(now.destination())
                .append(" (limit=")
                .append(now.limit())
                .append(", leased=")
                .append(now.leased())
                .append(", idle=")
                .append(now.idle())
                .append(", pending=")
                .append(now.pending())
                .append("); held by");
        String separator = " ";
        for (Lease lease : leases) {
            text.append(separator)
                    .append(lease.ask.client)
                    .append(" on thread \"")
                    .append(lease.threadName)
                    .append("\" for ")
                    .append(seconds(nowNanos - lease.seenHeldNanos))
                    .append(" or longer");
            separator = ", ";
        }
        return text.toString();
    }

    private static String seconds(long nanos) {
        return TimeUnit.NANOSECONDS.toSeconds(nanos) + " s";
    }
}
