package io.sluice.agent.child;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.OkHttpClient;
import okhttp3.Response;

/** OkHttp by its asynchronous method, {@code enqueue}. */
public final class OkHttpAsyncClient implements AsyncClient {
    private final OkHttpClient client;

    public OkHttpAsyncClient(ClientSpec spec) {
        client = OkHttpBlockingClient.client(spec);
    }

    @Override
    public CompletableFuture<Answer> start(String url) {
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        client.newCall(OkHttpBlockingClient.request(url)).enqueue(new Callback() {
            @Override
            public void onFailure(Call call, IOException e) {
                answer.completeExceptionally(e);
            }

            @Override
            public void onResponse(Call call, Response response) {
                try {
                    answer.complete(OkHttpBlockingClient.answer(response));
                } catch (IOException e) {
                    answer.completeExceptionally(e);
                }
            }
        });
        return answer;
    }
}
