package io.sluice.instrumentation.apachehttpclient3;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.TestServer;
import org.apache.commons.httpclient.HttpConnection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The moment between a manager's giving a connection out and the limiter's hearing of it. */
@Timeout(10)
class ManagedConnectionTest {
    @Test
    void whatIsClaimedIsNotEvicted() throws Exception {
        try (TestServer server = TestServer.start()) {
            HttpConnection handle = new HttpConnection(server.host(), server.port());
            handle.open();
            ManagedConnection managed = new ManagedConnection();
            managed.claim();
            assertThat(managed.evict(handle)).isFalse();
            assertThat(handle.isOpen()).isTrue();
            managed.end(null);
            assertThat(managed.evict(handle)).isTrue();
            assertThat(handle.isOpen()).isFalse();
        }
    }
}
