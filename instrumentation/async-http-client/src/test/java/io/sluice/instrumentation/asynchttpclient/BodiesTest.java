package io.sluice.instrumentation.asynchttpclient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.instrumentation.testing.TestAgent;
import io.sluice.instrumentation.testing.TestServer;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Collections;
import org.asynchttpclient.BoundRequestBuilder;
import org.asynchttpclient.ListenableFuture;
import org.asynchttpclient.Request;
import org.asynchttpclient.RequestBuilder;
import org.asynchttpclient.Response;
import org.asynchttpclient.request.body.Body;
import org.asynchttpclient.request.body.generator.BodyGenerator;
import org.asynchttpclient.request.body.multipart.ByteArrayPart;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A request that waited, and is begun again, brings its body. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BodiesTest extends AhcTestBase {
    private static final int SIZE = 5000;

    @TempDir
    File folder;

    /** How a program gives a body. */
    enum Kind {
        BYTES,
        STRING,
        LIST,
        BUFFER,
        STREAM,
        GENERATOR,
        FILE,
        FORM,
        PARTS
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void aBodyOutlivesTheWait(Kind kind) throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        ListenableFuture<Response> holder = client.send(server.url("/hold"));
        server.awaitRequests(1);
        ListenableFuture<Response> waiting =
                with(kind, client.http.preparePost(server.url("/echo"))).execute();
        awaitPending(server, 1);
        server.letGo();
        assertThat(AhcClient.text(holder)).isEqualTo("200 ok");
        String answer = AhcClient.text(waiting);
        assertThat(Integer.parseInt(answer.substring("200 ".length()))).isGreaterThanOrEqualTo(SIZE);
        awaitQuiet(server);
    }

    private BoundRequestBuilder with(Kind kind, BoundRequestBuilder post) throws Exception {
        byte[] body = new byte[SIZE];
        Arrays.fill(body, (byte) 'x');
        switch (kind) {
            case BYTES:
                return post.setBody(body);
            case STRING:
                return post.setBody(new String(body, "US-ASCII"));
            case LIST:
                return post.setBody(Collections.singletonList(body));
            case BUFFER:
                return post.setBody(ByteBuffer.wrap(body));
            case STREAM:
                return post.setBody(new ByteArrayInputStream(body));
            case GENERATOR:
                return post.setBody((BodyGenerator) () -> new OwnBody(body));
            case FILE:
                File file = new File(folder, "body");
                Files.write(file.toPath(), body);
                return post.setBody(file);
            case FORM:
                return post.addFormParam("name", new String(body, "US-ASCII"));
            default:
                return post.addBodyPart(new ByteArrayPart("name", body));
        }
    }

    /** The program's buffer is its own, whether the call is sent in the end or cancelled. */
    @Test
    void aBufferIsReleasedAsWithoutTheAgent() throws Exception {
        TestAgent.limit(1);
        TestServer server = closing(TestServer.start());
        AhcClient client = client();
        ListenableFuture<Response> holder = client.send(server.url("/hold"));
        server.awaitRequests(1);
        ByteBuf sent = Unpooled.wrappedBuffer(new byte[SIZE]);
        ByteBuf cancelled = Unpooled.wrappedBuffer(new byte[SIZE]);
        RequestBuilder post = new RequestBuilder("POST").setUrl(server.url("/echo"));
        assumeTrue(set(post, "setBody", ByteBuf.class, sent), "since 2.12 or so");
        ListenableFuture<Response> first = client.http.executeRequest(post.build());
        set(post, "setBody", ByteBuf.class, cancelled);
        Request second = post.build();
        ListenableFuture<Response> other = client.http.executeRequest(second);
        awaitPending(server, 2);
        other.cancel(true);
        server.letGo();
        assertThat(AhcClient.text(holder)).isEqualTo("200 ok");
        assertThat(AhcClient.text(first)).isEqualTo("200 " + SIZE);
        assertThat(cancelled.refCnt()).isEqualTo(1);
        awaitQuiet(server);
    }

    /** A body of the program's own. */
    private static final class OwnBody implements Body {
        private final byte[] content;
        private boolean isOver;

        OwnBody(byte[] content) {
            this.content = content;
        }

        @Override
        public long getContentLength() {
            return content.length;
        }

        @Override
        public BodyState transferTo(ByteBuf target) {
            if (isOver) {
                return BodyState.STOP;
            }
            target.writeBytes(content);
            isOver = true;
            return BodyState.CONTINUE;
        }

        @Override
        public void close() {}
    }
}
