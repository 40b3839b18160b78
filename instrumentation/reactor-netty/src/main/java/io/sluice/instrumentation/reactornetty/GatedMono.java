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
        Exchange exchange = null;
        try {
            exchange = exchange(actual);
        } catch (Throwable fault) {
            FailOpen.report(fault);
        }
        if (exchange == null) {
            source.subscribe(actual);
        } else {
            exchange.begin();
        }
    }

    private @Nullable Exchange exchange(CoreSubscriber<? super Connection> actual) {
        Ask ask = acquisition.ask();
        if (ask == null) {
            return null;
        }
        Http2Streams streams = acquisition.streams();
        if (streams != null) {
            Exchange further = new Exchange(null, acquisition, source, actual);
            if (streams.join(further)) {
                return further; // it waits for nobody
            }
        }
        Lease lease = ConnectionGate.ask(ask);
        return lease == null ? null : new Exchange(lease, acquisition, source, actual);
    }
}
