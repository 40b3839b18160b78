package io.sluice.instrumentation.apachehttpclient40;

import java.util.Arrays;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.apache.http.conn.ClientConnectionManager;
import org.apache.http.conn.params.ConnManagerParams;
import org.apache.http.conn.params.ConnPerRouteBean;
import org.apache.http.conn.scheme.PlainSocketFactory;
import org.apache.http.conn.scheme.Scheme;
import org.apache.http.conn.scheme.SchemeRegistry;
import org.apache.http.conn.scheme.SocketFactory;
import org.apache.http.conn.ssl.SSLSocketFactory;
import org.apache.http.impl.conn.BasicClientConnectionManager;
import org.apache.http.impl.conn.PoolingClientConnectionManager;
import org.apache.http.impl.conn.SingleClientConnManager;
import org.apache.http.impl.conn.tsccm.ThreadSafeClientConnManager;
import org.apache.http.params.BasicHttpParams;
import org.apache.http.params.HttpParams;
import org.jspecify.annotations.Nullable;

/** The four connection managers, of which the version under test has two or all. */
@SuppressWarnings("deprecation") // since 4.3 everything here is
enum Kind {
    THREAD_SAFE(true, false) {
        @Override
        ClientConnectionManager make(SchemeRegistry schemes, int perRoute, int total) {
            HttpParams params = new BasicHttpParams();
            ConnManagerParams.setMaxTotalConnections(params, total);
            ConnManagerParams.setMaxConnectionsPerRoute(params, new ConnPerRouteBean(perRoute));
            return new ThreadSafeClientConnManager(params, schemes);
        }
    },
    SINGLE(false, false) {
        @Override
        ClientConnectionManager make(SchemeRegistry schemes, int perRoute, int total) {
            return new SingleClientConnManager(new BasicHttpParams(), schemes);
        }
    },
    POOLING(true, true) {
        @Override
        ClientConnectionManager make(SchemeRegistry schemes, int perRoute, int total) {
            PoolingClientConnectionManager made = new PoolingClientConnectionManager(schemes);
            made.setDefaultMaxPerRoute(perRoute);
            made.setMaxTotal(total);
            return made;
        }
    },
    BASIC(false, true) {
        @Override
        ClientConnectionManager make(SchemeRegistry schemes, int perRoute, int total) {
            return new BasicClientConnectionManager(schemes);
        }
    };

    private static final boolean IS_42 = has("org.apache.http.impl.conn.BasicClientConnectionManager");

    final boolean pooled;
    final boolean since42;

    Kind(boolean pooled, boolean since42) {
        this.pooled = pooled;
        this.since42 = since42;
    }

    abstract ClientConnectionManager make(SchemeRegistry schemes, int perRoute, int total);

    ClientConnectionManager make(int perRoute, int total) {
        return make(schemes(null), perRoute, total);
    }

    ClientConnectionManager make() {
        return make(100, 100);
    }

    boolean exists() {
        return IS_42 || !since42;
    }

    static Stream<Kind> all() {
        return Arrays.stream(values()).filter(Kind::exists);
    }

    static Stream<Kind> pools() {
        return all().filter(kind -> kind.pooled);
    }

    static Stream<Kind> single() {
        return all().filter(kind -> !kind.pooled);
    }

    static SchemeRegistry schemes(@Nullable SSLContext tls) {
        SchemeRegistry schemes = new SchemeRegistry();
        schemes.register(new Scheme("http", PlainSocketFactory.getSocketFactory(), 80));
        schemes.register(new Scheme("https", secure(tls), 443));
        return schemes;
    }

    private static SocketFactory secure(@Nullable SSLContext tls) {
        if (tls == null) {
            return SSLSocketFactory.getSocketFactory();
        }
        SSLSocketFactory secure = new SSLSocketFactory(tls);
        // 4.1 takes "localhost/127.0.0.1" for a host's name and finds it in no certificate.
        secure.setHostnameVerifier(SSLSocketFactory.ALLOW_ALL_HOSTNAME_VERIFIER);
        return secure;
    }

    private static boolean has(String type) {
        try {
            return Class.forName(type) != null;
        } catch (ClassNotFoundException older) {
            return false;
        }
    }
}
