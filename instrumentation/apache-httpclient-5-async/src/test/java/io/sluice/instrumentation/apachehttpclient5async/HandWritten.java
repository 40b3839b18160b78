package io.sluice.instrumentation.apachehttpclient5async;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import io.sluice.limiter.Ask;
import io.sluice.limiter.Destination;

/** A connection that no client keeps: for the moments which no client can be made to meet. */
final class HandWritten extends Handle {
    /** What its exchanges ask for, one at a time. */
    static Ask askFor(TestServer server) throws Exception {
        TestClients.pooling(ClientFixture.policy(ClientFixture.Kind.STRICT), null)
                .close(); // the sockets are woven once a client is
        TestAgent.limit(1);
        return Ask.direct("test", Destination.server("http", server.host(), server.port()));
    }

    @Override
    boolean evict() {
        return false;
    }

    @Override
    void closeLost() {}
}
