package io.sluice.instrumentation.apachehttpasyncclient4;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.http.HttpHost;
import org.apache.http.HttpResponse;
import org.apache.http.config.ConnectionConfig;
import org.apache.http.impl.DefaultConnectionReuseStrategy;
import org.apache.http.impl.nio.DefaultHttpClientIODispatch;
import org.apache.http.impl.nio.pool.BasicNIOConnPool;
import org.apache.http.impl.nio.reactor.DefaultConnectingIOReactor;
import org.apache.http.message.BasicHttpRequest;
import org.apache.http.nio.protocol.BasicAsyncRequestProducer;
import org.apache.http.nio.protocol.BasicAsyncResponseConsumer;
import org.apache.http.nio.protocol.HttpAsyncRequestExecutor;
import org.apache.http.nio.protocol.HttpAsyncRequester;
import org.apache.http.protocol.HttpProcessorBuilder;
import org.apache.http.protocol.RequestTargetHost;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** HttpCore NIO by itself. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HttpCoreTest extends AsyncTestBase {
    @Test
    void theRequesterOfHttpCoreIsLimitedToo() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        DefaultConnectingIOReactor reactor = new DefaultConnectingIOReactor();
        Thread thread = new Thread(() -> {
            try {
                reactor.execute(
                        new DefaultHttpClientIODispatch(new HttpAsyncRequestExecutor(), ConnectionConfig.DEFAULT));
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        thread.start();
        closing(() -> reactor.shutdown());
        BasicNIOConnPool pool = new BasicNIOConnPool(reactor, ConnectionConfig.DEFAULT);
        pool.setDefaultMaxPerRoute(10);
        HttpAsyncRequester requester = new HttpAsyncRequester(
                HttpProcessorBuilder.create().add(new RequestTargetHost()).build(),
                new DefaultConnectionReuseStrategy());
        HttpHost host = new HttpHost(server.host(), server.port());
        List<Future<HttpResponse>> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(requester.execute(
                    new BasicAsyncRequestProducer(host, new BasicHttpRequest("GET", "/hold")),
                    new BasicAsyncResponseConsumer(),
                    pool));
        }
        server.awaitRequests(1);
        awaitPending(server, 4);
        server.letGo();
        for (Future<HttpResponse> one : all) {
            assertThat(one.get(20, TimeUnit.SECONDS).getStatusLine().getStatusCode())
                    .isEqualTo(200);
        }
        assertThat(server.acceptedConnections()).isEqualTo(1);
        awaitQuiet(server);
    }
}
