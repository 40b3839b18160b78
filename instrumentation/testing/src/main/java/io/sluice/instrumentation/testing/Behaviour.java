package io.sluice.instrumentation.testing;

import java.io.IOException;

/** How a {@link TestServer} answers the requests of a path. */
public interface Behaviour {
    /**
     * Answers one request, through one of the methods of {@code exchange}. Called on the connection's own thread, which
     * it may block; by several threads at once.
     *
     * @throws IOException if the connection broke; it is closed then
     * @throws InterruptedException if the server was closed meanwhile
     */
    void answer(Exchange exchange) throws IOException, InterruptedException;
}
