package io.sluice.instrumentation.apachehttpclient40;

class PoolingContractTest extends KindContract {
    PoolingContractTest() {
        super(Kind.POOLING);
    }
}
