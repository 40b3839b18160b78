package io.sluice.instrumentation.reactornetty;

import io.sluice.bridge.ConnectionGate;
import io.sluice.bridge.FailOpen;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Lease;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;

/** The client's own publisher of a connection, behind the wait for a lease. Subscribing takes the place in the queue. */
final class GatedMono extends Mono<Connection> {
    private final Acquisition acquisition;
    private final Mono<? extends Connection> source;

    GatedMono(Acquisition acquisition, Mono<? extends Connection> source) {
        this.acquisition = acquisition;
        this.source = source;
    }

    @Override
    public void subscribe(CoreSubscriber<? super Connection> actual) {
        Lease lease = null;
        try {
            lease = ask();
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
        if (lease == null) {
            source.subscribe(actual);
        } else {
            new Exchange(lease, acquisition, source, actual).begin();
        }
    }

    private @Nullable Lease ask() {
        Ask ask = acquisition.ask();
        return ask == null ? null : ConnectionGate.ask(ask);
    }
}
