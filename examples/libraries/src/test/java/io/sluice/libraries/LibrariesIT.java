package io.sluice.libraries;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.s3.AmazonS3;
import com.amazonaws.services.s3.AmazonS3ClientBuilder;
import com.google.api.client.http.GenericUrl;
import com.google.api.client.http.HttpRequestFactory;
import com.google.api.client.http.apache.v2.ApacheHttpTransport;
import feign.Feign;
import feign.RequestLine;
import io.sluice.instrumentation.testing.KernelMeter;
import io.sluice.instrumentation.testing.TestServer;
import jakarta.ws.rs.client.ClientBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.http.HttpHost;
import org.elasticsearch.client.Request;
import org.elasticsearch.client.RestClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.http.client.HttpComponentsClientHttpRequestFactory;
import org.springframework.http.client.SimpleClientHttpRequestFactory;
import org.springframework.web.client.RestTemplate;
import org.springframework.web.reactive.function.client.WebClient;
import retrofit2.Call;
import retrofit2.Retrofit;
import retrofit2.http.GET;

/**
 * What builds on a limited client is limited, by the count of the server's kernel. Each library is used as its manual
 * says, by twelve threads at once; the JVM's limit is 2, and the agent's only setting.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LibrariesIT {
    private static final int LIMIT = 2;
    private static final int THREADS = 12;
    private static final int ROUNDS = 3;

    private final TestServer server = TestServer.builder().start();
    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);

    @BeforeAll
    static void needsTheKernelsTable() {
        assumeTrue(KernelMeter.available(), KernelMeter.UNAVAILABLE);
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        threads.shutdownNow();
    }

    /** One use of the library, of a path of the server; the answer is the body, or something else that is not null. */
    private interface Use {
        Object of(String path) throws Exception;
    }

    /** Twelve exchanges are begun: the kernel has two connections, and no more until all are answered. */
    private void staysWithinTheLimit(Use use) throws Exception {
        use.of("/say"); // what the library does once only
        try (KernelMeter meter = KernelMeter.start(server.port())) {
            server.forgetRequests();
            List<Future<?>> exchanges = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                Callable<Object> some = () -> {
                    Object answer = use.of("/hold");
                    for (int round = 1; round < ROUNDS; round++) {
                        answer = use.of("/say");
                    }
                    return answer;
                };
                exchanges.add(threads.submit(some));
            }
            server.awaitRequests(LIMIT);
            assertThat(meter.current()).isEqualTo(LIMIT);
            server.letGo();
            for (Future<?> one : exchanges) {
                assertThat(one.get(30, TimeUnit.SECONDS)).isNotNull();
            }
            assertThat(meter.stop()).isEqualTo(LIMIT);
            assertThat(server.requests()).hasSize(THREADS * ROUNDS);
        }
    }

    @Test
    void springRestTemplateOnHttpUrlConnection() throws Exception {
        RestTemplate template = new RestTemplate(new SimpleClientHttpRequestFactory());
        staysWithinTheLimit(path -> template.getForObject(server.url(path), String.class));
    }

    @Test
    void springRestTemplateOnApacheHttpClient5() throws Exception {
        RestTemplate template = new RestTemplate(new HttpComponentsClientHttpRequestFactory());
        staysWithinTheLimit(path -> template.getForObject(server.url(path), String.class));
    }

    @Test
    void springRestClientOnJavaNetHttp() throws Exception {
        org.springframework.web.client.RestClient client = org.springframework.web.client.RestClient.builder()
                .requestFactory(new org.springframework.http.client.JdkClientHttpRequestFactory())
                .build();
        staysWithinTheLimit(
                path -> client.get().uri(server.url(path)).retrieve().body(String.class));
    }

    @Test
    void springWebClientOnReactorNetty() throws Exception {
        WebClient client = WebClient.create();
        staysWithinTheLimit(path -> client.get()
                .uri(server.url(path))
                .retrieve()
                .bodyToMono(String.class)
                .block());
    }

    @Test
    void jerseyOnHttpUrlConnection() throws Exception {
        jakarta.ws.rs.client.Client client = ClientBuilder.newClient();
        staysWithinTheLimit(path -> client.target(server.url(path)).request().get(String.class));
        client.close();
    }

    interface FeignApi {
        @RequestLine("GET /hold")
        String hold();

        @RequestLine("GET /say")
        String say();
    }

    @Test
    void feignOnHttpUrlConnection() throws Exception {
        FeignApi api = Feign.builder().target(FeignApi.class, server.url(""));
        staysWithinTheLimit(path -> path.equals("/hold") ? api.hold() : api.say());
    }

    interface RetrofitApi {
        @GET("hold")
        Call<okhttp3.ResponseBody> hold();

        @GET("say")
        Call<okhttp3.ResponseBody> say();
    }

    @Test
    void retrofitOnOkHttp() throws Exception {
        RetrofitApi api =
                new Retrofit.Builder().baseUrl(server.url("/")).build().create(RetrofitApi.class);
        staysWithinTheLimit(path ->
                (path.equals("/hold") ? api.hold() : api.say()).execute().body().string());
    }

    @Test
    void googleHttpClientOnApacheHttpClient4() throws Exception {
        HttpRequestFactory factory = new ApacheHttpTransport().createRequestFactory();
        staysWithinTheLimit(path -> factory.buildGetRequest(new GenericUrl(server.url(path)))
                .execute()
                .parseAsString());
    }

    @Test
    void elasticsearchsRestClientOnHttpAsyncClient4() throws Exception {
        try (RestClient client =
                RestClient.builder(new HttpHost(server.host(), server.port())).build()) {
            staysWithinTheLimit(path -> client.performRequest(new Request("GET", path)));
        }
    }

    @Test
    void awsSdk1OnApacheHttpClient4() throws Exception {
        AmazonS3 s3 = AmazonS3ClientBuilder.standard()
                .withEndpointConfiguration(new EndpointConfiguration(server.url(""), "us-east-1"))
                .withCredentials(new AWSStaticCredentialsProvider(new BasicAWSCredentials("id", "key")))
                .withPathStyleAccessEnabled(true)
                .build();
        staysWithinTheLimit(path -> s3.getObjectAsString(path.substring(1), "object"));
        s3.shutdown();
    }
}
