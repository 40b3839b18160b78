package io.sluice.agent.child;

import java.util.concurrent.CompletableFuture;

/** A client with an asynchronous way of asking. */
public interface AsyncClient extends Client {
    /** Asks, and returns at once if the client does. */
    CompletableFuture<Answer> start(String url) throws Exception;

    @Override
    default Answer get(String url) throws Exception {
        return Futures.get(start(url));
    }
}
