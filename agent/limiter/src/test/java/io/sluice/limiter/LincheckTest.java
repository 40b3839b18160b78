package io.sluice.limiter;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Tries every interleaving of short programs, up to a bound: what they see must be what one thread could see too, and at the
 * end no lease may be lost or doubled. Time stands still here, and nobody parks: see {@link RaceTest} for lost wake-ups. A
 * few programs in every build; more with {@code -Dlincheck.iterations=...}.
 */
@Timeout(300)
@Param(name = "me", gen = ThreadIdGen.class)
public class LincheckTest {
    private static final Ask ASK = Ask.direct("lincheck", Scene.SERVER);

    private final LimiterTable table = quietTable();
    /** Stands in everybody's way. */
    private final Lease first = table.ask(ASK);
    /** One lease for each thread. */
    private final AtomicReferenceArray<Lease> leases = new AtomicReferenceArray<>(8);

    private static LimiterTable quietTable() {
        WaitListener listener = new WaitListener() {
            @Override
            public Object captureContext() {
                return null;
            }

            @Override
            public void ended(Wait wait) {}
        };
        Reporter reporter = new Reporter() {
            @Override
            public void warn(String message) {}

            @Override
            public void fault(Throwable fault) {
                throw new AssertionError(fault);
            }
        };
        Clock stopped = new Clock() {
            @Override
            public long nanoTime() {
                return 1;
            }

            @Override
            public long epochMillis() {
                return 1;
            }
        };
        Limits limits = Scene.limit(1).maxPending(2).build();
        return new LimiterTable(limits, listener, reporter, task -> {}, stopped, () -> {});
    }

    @Operation
    public String ask(@Param(name = "me") int me) {
        if (leases.get(me) != null) {
            return "has one";
        }
        Lease lease = table.ask(ASK);
        if (!lease.isPending() && !lease.isGranted()) { // in this order: a grant may come in between
            return "queue full";
        }
        leases.set(me, lease);
        return "granted or queued";
    }

    @Operation
    public void release(@Param(name = "me") int me) {
        Lease lease = leases.getAndSet(me, null);
        if (lease != null) {
            lease.release();
        }
    }

    @Operation
    public String timeOut(@Param(name = "me") int me) {
        Lease lease = leases.get(me);
        if (lease == null) {
            return "has none";
        }
        if (lease.abandon(Wait.Outcome.TIMEOUT)) {
            leases.set(me, null);
            return "timed out";
        }
        return "granted";
    }

    @Operation(runOnce = true)
    public void raiseTheLimit() {
        table.limits(table.limits().toBuilder().maxConnectionsPerServer(2).build());
    }

    @Operation(runOnce = true)
    public void releaseTheFirst() {
        first.release();
    }

    @Validate
    public void noLeaseIsLostOrDoubled() {
        int held = first.isHeld() ? 1 : 0;
        int pending = 0;
        for (int i = 0; i < leases.length(); i++) {
            Lease lease = leases.get(i);
            held += lease != null && lease.isHeld() ? 1 : 0;
            pending += lease != null && lease.isPending() ? 1 : 0;
        }
        Snapshot now = table.snapshot(Scene.SERVER);
        if (now.leased() != held || now.pending() != pending || pending > 0 && held < now.limit()) {
            throw new AssertionError(
                    "held " + held + ", pending " + pending + ", but " + now.leased() + " and " + now.pending());
        }
    }

    @Test
    void whatThreadsSeeIsWhatOneThreadCouldSee() {
        new ModelCheckingOptions()
                // The JDK's classes are taken as right: looking into them too takes a hundred times as long. Public in
                // the
                // class file, though not in Kotlin; the default of ten seconds is too short for weaving on a busy
                // machine.
                .analyzeStdLib$lincheck(false)
                .invocationTimeout$lincheck(60_000)
                .iterations(Integer.getInteger("lincheck.iterations", 6))
                .invocationsPerIteration(200)
                .threads(2)
                .actorsPerThread(3)
                .actorsBefore(0)
                .actorsAfter(0)
                .check(LincheckTest.class);
    }
}
