package io.sluice.limiter;

/**
 * The client's side of its connections: how one is closed or finished from outside. One per client library, without state
 * of its own. The handle is whatever object the client keeps the connection in; the limiter holds it weakly.
 *
 * <p>Called on a thread of an opener or of the agent, without any lock of ours held.
 */
public interface ConnectionOwner {
    /**
     * Closes the connection if it is idle, under the lock with which the client itself would lease it, so that a
     * connection in use is never closed.
     *
     * @return false if the client has taken it meanwhile; that is normal and costs nothing
     */
    boolean evict(Object handle) throws Exception;

    /**
     * Somebody waits and this connection is leased: if the rest of its response lies in the receive buffer and nobody
     * reads it, finish the exchange as the client itself would. Must not block on the network.
     *
     * @return true if that was done
     */
    boolean finish(Object handle) throws Exception;
}
