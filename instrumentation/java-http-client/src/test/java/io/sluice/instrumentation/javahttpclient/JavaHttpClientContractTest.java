package io.sluice.instrumentation.javahttpclient;

import io.sluice.instrumentation.testing.ContractClient;
import io.sluice.instrumentation.testing.HttpClientContract;
import java.net.http.HttpClient;
import java.net.http.HttpTimeoutException;
import org.junit.jupiter.api.Nested;

/** The contract, by both ways of sending and with the default client, which tries HTTP/2 first. */
class JavaHttpClientContractTest {
    @Nested
    class Send extends HttpClientContract {
        @Override
        protected ContractClient client(ContractClient.Setup setup) {
            return new JavaNetClient(setup, false, HttpClient.Version.HTTP_1_1, null);
        }

        @Override
        protected boolean isTimeout(Throwable thrown) {
            return thrown instanceof HttpTimeoutException;
        }
    }

    @Nested
    class SendAsync extends HttpClientContract {
        @Override
        protected ContractClient client(ContractClient.Setup setup) {
            return new JavaNetClient(setup, true, HttpClient.Version.HTTP_1_1, null);
        }

        @Override
        protected boolean isTimeout(Throwable thrown) {
            return thrown instanceof HttpTimeoutException;
        }
    }

    @Nested
    class SendOfferingHttp2 extends HttpClientContract {
        @Override
        protected ContractClient client(ContractClient.Setup setup) {
            return new JavaNetClient(setup, false, HttpClient.Version.HTTP_2, null);
        }

        @Override
        protected boolean isTimeout(Throwable thrown) {
            return thrown instanceof HttpTimeoutException;
        }
    }
}
