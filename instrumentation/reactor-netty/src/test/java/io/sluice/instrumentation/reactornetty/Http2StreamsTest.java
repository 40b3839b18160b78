package io.sluice.instrumentation.reactornetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** The turns in which exchanges obtain their streams. */
class Http2StreamsTest {
    private final ConnectionProvider provider = ConnectionProvider.create("turns", 5);

    private final Acquisition acquisition = new Acquisition(
            HttpClient.create(provider).protocol(HttpProtocol.H2C).configuration(),
            () -> InetSocketAddress.createUnresolved("turns.test", 80));

    @AfterEach
    void dispose() {
        provider.dispose();
    }

    /** As when the program gives up in the moment in which the client's publisher is subscribed to. */
    @Test
    void anExchangeThatIsCancelledInItsTurnHoldsUpNobody() {
        acquisition.providedBy(provider);
        Http2Streams streams = Objects.requireNonNull(acquisition.streams());
        AtomicBoolean hasEntered = new AtomicBoolean();
        Exchange first = exchange(Mono.never());
        Exchange second = exchange(Mono.<Connection>never().doOnSubscribe(unused -> hasEntered.set(true)));
        streams.enter(first);
        streams.enter(second);
        assertThat(hasEntered).isFalse();
        first.cancel();
        assertThat(hasEntered).isTrue();
    }

    private Exchange exchange(Mono<Connection> source) {
        return new Exchange(null, acquisition, source, new BaseSubscriber<Connection>() {});
    }
}
