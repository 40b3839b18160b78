package io.sluice.instrumentation.apachehttpclient40;

class ThreadSafeContractTest extends KindContract {
    ThreadSafeContractTest() {
        super(Kind.THREAD_SAFE);
    }
}
