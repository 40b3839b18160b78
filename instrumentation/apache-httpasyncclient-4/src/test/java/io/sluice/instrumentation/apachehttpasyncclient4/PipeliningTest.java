package io.sluice.instrumentation.apachehttpasyncclient4;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.http.HttpHost;
import org.apache.http.HttpRequest;
import org.apache.http.HttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.nio.client.CloseableHttpPipeliningClient;
import org.apache.http.impl.nio.client.HttpAsyncClients;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** There since 4.1. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PipeliningTest extends AsyncTestBase {
    @Test
    void aPipelineHasOneLease() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        CloseableHttpPipeliningClient client = closing(HttpAsyncClients.createPipelining());
        client.start();
        HttpHost host = new HttpHost(server.host(), server.port());
        List<Future<List<HttpResponse>>> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            List<HttpRequest> requests =
                    Arrays.asList(new HttpGet("/hold?" + i), new HttpGet("/bytes/2"), new HttpGet("/bytes/3"));
            all.add(client.execute(host, requests, null));
        }
        server.awaitRequests(1);
        awaitPending(server, 2);
        assertThat(TestAgent.figures(server).leased()).isEqualTo(1);
        server.letGo();
        for (Future<List<HttpResponse>> one : all) {
            assertThat(one.get(20, TimeUnit.SECONDS)).hasSize(3);
        }
        assertThat(server.requests()).hasSize(9);
        awaitQuiet(server);
    }

    @Test
    void aPipelineThatBreaksGivesItsLeaseBack() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        CloseableHttpPipeliningClient client = closing(HttpAsyncClients.createPipelining());
        client.start();
        HttpHost host = new HttpHost(server.host(), server.port());
        for (int i = 0; i < 3; i++) {
            List<HttpRequest> requests = Arrays.asList(new HttpGet("/bytes/2"), new HttpGet("/reset"));
            assertThat(failure(client.execute(host, requests, null))).isInstanceOf(Exception.class);
        }
        awaitQuiet(server);
    }
}
