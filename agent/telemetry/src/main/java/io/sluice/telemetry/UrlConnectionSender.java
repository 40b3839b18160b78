package io.sluice.telemetry;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.Compressor;
import io.opentelemetry.sdk.common.export.HttpResponse;
import io.opentelemetry.sdk.common.export.HttpSender;
import io.opentelemetry.sdk.common.export.HttpSenderConfig;
import io.opentelemetry.sdk.common.export.MessageWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Sends OTLP over HTTP for OpenTelemetry's exporter, without a client library.
 *
 * <p>Blocks the calling thread, which is the SDK's batch thread, until the answer is there. A request that fails is not
 * sent again: its spans are lost, and the next batch tries anew.
 */
final class UrlConnectionSender implements HttpSender {
    private final HttpSenderConfig config;
    private final HttpPost http;

    UrlConnectionSender(HttpSenderConfig config, HttpPost http) {
        this.config = config;
        this.http = http;
    }

    @Override
    public void send(MessageWriter message, Consumer<HttpResponse> onResponse, Consumer<Throwable> onError) {
        Map<String, List<String>> headers = new HashMap<>();
        Map<String, List<String>> users = config.getHeadersSupplier().get();
        if (users != null) {
            headers.putAll(users);
        }
        headers.put("Content-Type", Collections.singletonList(config.getContentType()));
        Compressor compressor = config.getCompressor();
        if (compressor != null) {
            headers.put("Content-Encoding", Collections.singletonList(compressor.getEncoding()));
        }
        HttpPost.Body body = out -> {
            try (OutputStream target = compressor == null ? out : compressor.compress(out)) {
                message.writeMessage(target);
            }
        };
        HttpResponse response;
        try {
            response = http.send(
                    config.getEndpoint(),
                    headers,
                    body,
                    config.getConnectTimeout(),
                    config.getTimeout(),
                    config.getSslContext());
        } catch (IOException e) {
            onError.accept(e);
            return;
        }
        onResponse.accept(response);
    }

    @Override
    public CompletableResultCode shutdown() {
        return CompletableResultCode.ofSuccess();
    }
}
