package io.sluice.instrumentation.apachehttpclient5async;

import java.util.concurrent.Future;
import org.apache.hc.core5.concurrent.FutureCallback;

/** The client's own way of opening a connection, to be gone when there is room for one. */
interface Opener<T> {
    /** Opens the connection. Does not block. The wait for room does not count as connecting. */
    Future<T> open(FutureCallback<T> callback) throws Exception;

    /** Whether nobody will use, nor close, what was opened. */
    boolean isUnwanted();
}
