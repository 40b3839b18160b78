package io.sluice.instrumentation.apachehttpclient5async;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.hc.core5.http.EntityDetails;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.nio.AsyncClientExchangeHandler;
import org.apache.hc.core5.http.nio.CapacityChannel;
import org.apache.hc.core5.http.nio.DataStreamChannel;
import org.apache.hc.core5.http.nio.RequestChannel;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;

/**
 * The program's handler of one exchange of the minimal HTTP/2 client, which has nothing else that would tell of the
 * exchange's end. Hands everything on. As thread-safe as what it hands on to.
 */
public final class CountedHandler implements AsyncClientExchangeHandler {
    private final AsyncClientExchangeHandler handler;
    private final SessionExchange exchange;

    CountedHandler(AsyncClientExchangeHandler handler, SessionExchange exchange) {
        this.handler = handler;
        this.exchange = exchange;
    }

    SessionExchange exchange() {
        return exchange;
    }

    @Override
    public void releaseResources() {
        try {
            handler.releaseResources();
        } finally {
            exchange.end();
        }
    }

    @Override
    public void failed(Exception cause) {
        try {
            handler.failed(cause);
        } finally {
            exchange.end();
        }
    }

    @Override
    public void cancel() {
        try {
            handler.cancel();
        } finally {
            exchange.end();
        }
    }

    @Override
    public void produceRequest(RequestChannel channel, HttpContext context) throws HttpException, IOException {
        handler.produceRequest(channel, context);
    }

    @Override
    public int available() {
        return handler.available();
    }

    @Override
    public void produce(DataStreamChannel channel) throws IOException {
        handler.produce(channel);
    }

    @Override
    public void consumeInformation(HttpResponse response, HttpContext context) throws HttpException, IOException {
        handler.consumeInformation(response, context);
    }

    @Override
    public void consumeResponse(HttpResponse response, @Nullable EntityDetails entity, HttpContext context)
            throws HttpException, IOException {
        handler.consumeResponse(response, entity, context);
    }

    @Override
    public void updateCapacity(CapacityChannel channel) throws IOException {
        handler.updateCapacity(channel);
    }

    @Override
    public void consume(ByteBuffer source) throws IOException {
        handler.consume(source);
    }

    @Override
    public void streamEnd(@Nullable List<? extends Header> trailers) throws HttpException, IOException {
        handler.streamEnd(trailers);
    }
}
